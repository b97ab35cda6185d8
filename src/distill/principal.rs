//! Principal components of many rows, by the eigenvectors of their covariance.

/// The mean of the rows and the directions of most variance, the first one first.
pub(super) struct Basis {
    mean: Vec<f64>,
    /// A direction per entry, of unit length; its largest component is positive, so that signs are reproducible.
    directions: Vec<Vec<f64>>,
    variances: Vec<f64>,
}

/// The principal components of rows of `width` numbers.
pub(super) fn components<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> Basis {
    let n = rows.clone().count().max(1) as f64;
    let mut mean = vec![0.0; width];
    rows.clone().for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / n));
    let (variances, directions) = eigen(covariance(rows, &mean));
    Basis { mean, directions, variances }
}

impl Basis {
    /// The first `dimensions` coordinates of a row.
    pub(super) fn project(&self, row: &[f32], dimensions: usize) -> Vec<f64> {
        let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(&x, mean)| f64::from(x) - mean).collect();
        let dot = |direction: &Vec<f64>| direction.iter().zip(&centred).map(|(a, b)| a * b).sum();
        self.directions.iter().take(dimensions).map(dot).collect()
    }

    /// Share of the variance along the first `dimensions` directions; 1 where nothing varies.
    pub(super) fn explained(&self, dimensions: usize) -> f64 {
        let total: f64 = self.variances.iter().sum();
        if total > 0.0 { self.variances.iter().take(dimensions).sum::<f64>() / total } else { 1.0 }
    }
}

fn covariance<'a>(rows: impl Iterator<Item = &'a [f32]>, mean: &[f64]) -> Vec<Vec<f64>> {
    let width = mean.len();
    let mut sums = vec![vec![0.0; width]; width];
    for row in rows {
        let centred: Vec<f64> = row.iter().zip(mean).map(|(&x, mean)| f64::from(x) - mean).collect();
        for (i, sums) in sums.iter_mut().enumerate() {
            let x = centred[i];
            sums[..=i].iter_mut().zip(&centred).for_each(|(sum, y)| *sum += x * y);
        }
    }
    (0..width).map(|i| (0..width).map(|j| sums[i.max(j)][i.min(j)]).collect()).collect()
}

/// Eigenvalues, largest first, and their eigenvectors, of a symmetric matrix, by cyclic Jacobi rotations (Golub and
/// Van Loan, "Matrix Computations", section 8.5). Converges quadratically; a dozen sweeps are plenty for any matrix.
fn eigen(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    const SWEEPS: usize = 30;
    let n = a.len();
    // Row i of `v` becomes the eigenvector of the i-th diagonal element.
    let mut v: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let scale: f64 = a.iter().flatten().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).map(|i| a[i][..i].iter().map(|x| x * x).sum::<f64>()).sum();
        if off <= 1e-24 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut v, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]));
    let vectors = order.iter().map(|&i| with_positive_peak(std::mem::take(&mut v[i]))).collect();
    (order.iter().map(|&i| a[i][i]).collect(), vectors)
}

/// One rotation, after which `a[p][q]` is zero.
fn rotate(a: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let tau = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for row in a.iter_mut() {
        (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    }
    rotate_rows(a, p, q, c, s);
    rotate_rows(v, p, q, c, s);
}

fn rotate_rows(matrix: &mut [Vec<f64>], p: usize, q: usize, c: f64, s: f64) {
    let (upper, lower) = matrix.split_at_mut(q);
    for (x, y) in upper[p].iter_mut().zip(&mut lower[0]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

fn with_positive_peak(mut vector: Vec<f64>) -> Vec<f64> {
    let peak = vector.iter().fold(0.0_f64, |peak, &x| if x.abs() > peak.abs() { x } else { peak });
    if peak < 0.0 {
        vector.iter_mut().for_each(|x| *x = -*x);
    }
    vector
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn eigenvectors_are_orthonormal_and_satisfy_their_equation() {
        let mut rng = StdRng::seed_from_u64(3);
        let n = 24;
        let b: Vec<Vec<f64>> = (0..n).map(|_| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
        let a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| b[i][j] + b[j][i]).collect()).collect();
        let (values, vectors) = eigen(a.clone());
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        assert!(values.is_sorted_by(|x, y| x >= y));
        for (i, (value, vector)) in values.iter().zip(&vectors).enumerate() {
            for (row, x) in a.iter().zip(vector) {
                assert!((dot(row, vector) - value * x).abs() < 1e-9);
            }
            for (j, other) in vectors.iter().enumerate() {
                assert!((dot(vector, other) - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_planted_direction_is_found() {
        let mut rng = StdRng::seed_from_u64(5);
        let rows: Vec<[f32; 3]> = (0..500)
            .map(|_| {
                let (t, noise): (f32, f32) = (rng.random_range(-5.0..5.0), rng.random_range(-0.1..0.1));
                [1.0 + 0.6 * t, 2.0 - 0.8 * t, 3.0 + noise]
            })
            .collect();
        let basis = components(rows.iter().map(|row| &row[..]), 3);
        let found = &basis.directions[0];
        assert!((found[0] + 0.6).abs() < 1e-3 && (found[1] - 0.8).abs() < 1e-3, "{found:?}");
        assert!(basis.explained(1) > 0.999 && basis.explained(3) == 1.0);
        assert!((basis.project(&[1.0, 2.0, 3.0], 2)[0]).abs() < 0.5);
    }
}
