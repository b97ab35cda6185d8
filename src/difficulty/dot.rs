//! The inner products that scoring spends its time on.

/// Σ aᵢ·bᵢ over as many numbers as both have, summed in eight lanes, which the compiler can keep in vector registers.
pub(super) fn dot<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    let shared = a.len().min(b.len());
    let (a, b) = (a[..shared].chunks_exact(8), b[..shared].chunks_exact(8));
    let product = |(a, b): (&A, &B)| (*a).into() * (*b).into();
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(product).sum();
    let mut lanes = [0.0; 8];
    for (a, b) in a.zip(b) {
        for (lane, pair) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += product(pair);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The same of single numbers, summed as such: twice as many fit a register. Over n numbers the error is about n/8 roundings of the
/// sum, 1e-5 of it at most for what an embedding has.
pub(super) fn dot_single(a: &[f32], b: &[f32]) -> f32 {
    let shared = a.len().min(b.len());
    let (a, b) = (a[..shared].as_chunks::<16>(), b[..shared].as_chunks::<16>());
    let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    let mut lanes = [0.0; 16];
    for (a, b) in a.0.iter().zip(b.0) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::{dot, dot_single};

    #[test]
    fn it_is_the_sum_of_the_products_whatever_the_length() {
        for length in 0..40 {
            let a: Vec<f32> = (0..length).map(|i| i as f32 - 7.0).collect();
            let b: Vec<f64> = (0..length + 1).map(|i| f64::from(i * i)).collect();
            let plain: f64 = (0..length).map(|i| f64::from(i - 7) * f64::from(i * i)).sum();
            assert_eq!(dot(&a, &b), plain, "{length}");
            let single: Vec<f32> = b.iter().map(|b| *b as f32).collect();
            assert_eq!(f64::from(dot_single(&a, &single)), plain, "{length}");
        }
    }
}
