//! Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1) for smooth convex losses.

use std::collections::VecDeque;

/// Steps remembered.
const MEMORY: usize = 10;

/// Sufficient decrease of the line search.
const ARMIJO: f64 = 1e-4;

/// Where a minimisation ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// The largest component of the gradient that counts as zero.
    pub(super) gradient: f64,
    /// The most iterations.
    pub(super) iterations: usize,
}

struct Step {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

/// Minimises `loss`, which returns the value at a point and writes the gradient there, from `x` on, in place.
pub(super) fn minimise(mut loss: impl FnMut(&[f64], &mut [f64]) -> f64, x: &mut Vec<f64>, stop: Stop) {
    let mut gradient = vec![0.0; x.len()];
    let mut value = loss(x, &mut gradient);
    let mut memory: VecDeque<Step> = VecDeque::with_capacity(MEMORY);
    for _ in 0..stop.iterations {
        if gradient.iter().all(|g| g.abs() <= stop.gradient) {
            return;
        }
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        let Some((next, next_gradient, next_value)) = search(&mut loss, x, &direction, value, slope, memory.is_empty())
        else {
            return;
        };
        let s: Vec<f64> = next.iter().zip(x.iter()).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-12 * dot(&y, &y) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back(Step { s, y, rho: 1.0 / curvature });
        }
        (*x, gradient, value) = (next, next_gradient, next_value);
    }
}

/// The two-loop recursion: −H·gradient.
fn direction(gradient: &[f64], memory: &VecDeque<Step>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(memory.len());
    for step in memory.iter().rev() {
        let alpha = step.rho * dot(&step.s, &q);
        add(&mut q, -alpha, &step.y);
        alphas.push(alpha);
    }
    if let Some(last) = memory.back() {
        let scale = 1.0 / (last.rho * dot(&last.y, &last.y));
        q.iter_mut().for_each(|x| *x *= scale);
    }
    for (step, alpha) in memory.iter().zip(alphas.into_iter().rev()) {
        let beta = step.rho * dot(&step.y, &q);
        add(&mut q, alpha - beta, &step.s);
    }
    q
}

/// Halves the step until the value falls enough; `None` where rounding leaves nothing to gain.
fn search(
    loss: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    x: &[f64],
    direction: &[f64],
    value: f64,
    slope: f64,
    first: bool,
) -> Option<(Vec<f64>, Vec<f64>, f64)> {
    let mut length = if first { 1.0 / dot(direction, direction).sqrt().max(1.0) } else { 1.0 };
    let mut gradient = vec![0.0; x.len()];
    for _ in 0..40 {
        let mut next = x.to_vec();
        add(&mut next, length, direction);
        let next_value = loss(&next, &mut gradient);
        if next_value <= value + ARMIJO * length * slope {
            return Some((next, gradient, next_value));
        }
        length *= 0.5;
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_an_ill_conditioned_quadratic() {
        let scales = [1.0, 10.0, 1000.0];
        let mut x = vec![5.0, -3.0, 2.0];
        let loss = |x: &[f64], gradient: &mut [f64]| {
            let mut value = 0.0;
            for i in 0..3 {
                gradient[i] = scales[i] * (x[i] - 1.0);
                value += 0.5 * scales[i] * (x[i] - 1.0).powi(2);
            }
            value
        };
        minimise(loss, &mut x, Stop { gradient: 1e-9, iterations: 200 });
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "{x:?}");
    }
}
