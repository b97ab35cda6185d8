//! A few instances of something that can do one thing at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::super::EmbedError;

/// Most instances: each holds about 100 MB.
const MAX: usize = 2;

type Open<T> = Box<dyn Fn() -> Result<T, EmbedError> + Send + Sync>;

/// Lends instances out; opens a further one only when all are in use, up to two or as many as there are cores.
pub(super) struct Pool<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    open: Open<T>,
    max: usize,
}

struct State<T> {
    idle: Vec<T>,
    opened: usize,
}

impl<T> Pool<T> {
    pub(super) fn new(first: T, open: Open<T>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let state = State { idle: vec![first], opened: 1 };
        Self { state: Mutex::new(state), returned: Condvar::new(), open, max: cores.min(MAX) }
    }

    /// Runs a task on an instance, waiting for one when all are in use.
    ///
    /// # Errors
    /// Those of the task, and of opening a further instance.
    pub(super) fn with<R>(&self, task: impl FnOnce(&mut T) -> Result<R, EmbedError>) -> Result<R, EmbedError> {
        let mut loan = Loan { pool: self, instance: None };
        loan.instance = self.take();
        let instance = match &mut loan.instance {
            Some(instance) => instance,
            // `take` counted the new instance; the loan gives the place back if opening fails.
            none => none.insert((self.open)()?),
        };
        task(instance)
    }

    /// An idle instance, or `None` where the caller may open one; its place is counted as taken.
    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(instance) = state.idle.pop() {
                return Some(instance);
            }
            if state.opened < self.max {
                state.opened += 1;
                return None;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the instance, or the place of one that could not be opened, however the task ends.
struct Loan<'a, T> {
    pool: &'a Pool<T>,
    instance: Option<T>,
}

impl<T> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.instance.take() {
            Some(instance) => state.idle.push(instance),
            None => state.opened -= 1,
        }
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    use super::*;

    fn pool(opened: Arc<AtomicUsize>) -> Pool<usize> {
        let open = move || match opened.fetch_add(1, SeqCst) {
            0 => Err(EmbedError("not yet".to_owned())),
            n => Ok(n),
        };
        Pool { max: 2, ..Pool::new(0, Box::new(open)) }
    }

    #[test]
    fn an_instance_is_used_by_one_task_at_a_time_and_a_failed_opening_loses_no_place() {
        let opened = Arc::new(AtomicUsize::new(0));
        let pool = pool(Arc::clone(&opened));
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let task = |_: &mut usize| {
            most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            inside.fetch_sub(1, SeqCst);
            Ok(())
        };
        std::thread::scope(|scope| {
            (0..8).for_each(|_| {
                scope.spawn(|| (0..10).for_each(|_| drop(pool.with(task))));
            });
        });
        assert_eq!(most.load(SeqCst), 2);
        assert_eq!(opened.load(SeqCst), 2, "the first opening fails, the second succeeds, none follows");
        assert_eq!(pool.lock().idle.len(), 2);
    }
}
