//! Nearest neighbours among the training rows: what became of the rows most like this one, and how far off they lie.
//!
//! Rows are compared by the cosine of the leading principal components of everything that the forest sees. The codes
//! are bytes, so that a thousand rows are compared in microseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ndarray::Array2;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::Projection;
use crate::random::stream;

/// Numbers of a code.
pub const DIMENSIONS: usize = 32;

/// Rows that are kept; of more a uniform sample.
pub const MOST: usize = 16_384;

/// What a component of ±1 is written as.
const UNIT: f64 = 127.0;

/// How many rows of average outcome stand beside the neighbours, whose similarities are at most 1 each.
const SHRINKAGE: f64 = 10.0;

/// Streams of the seed.
const DIRECTIONS: u64 = 1 << 32;
const SAMPLE: u64 = DIRECTIONS + 1;

/// From the forest's features to the codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// Mean of each feature.
    pub mean: Vec<f64>,
    /// Factor of each feature.
    pub scale: Vec<f64>,
    /// Principal directions: codes × features.
    pub directions: Vec<Vec<f32>>,
}

/// The rows kept, with their outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// One code after the other.
    pub codes: Vec<i8>,
    /// Per row, the label of each tier.
    pub labels: Vec<f32>,
    /// How much each row counts.
    pub weights: Vec<f32>,
    /// Mean label of each tier.
    pub prior: Vec<f64>,
    /// Neighbours that are asked.
    pub k: usize,
}

/// What the neighbours of one row say.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbourhood {
    /// Per tier, the mean label.
    pub p: Vec<f64>,
    /// Cosine distance of the farthest neighbour asked, in [0, 2].
    pub distance: f64,
}

impl Space {
    /// The leading principal components of the features, a list per column. The first `lexical` of them count as much
    /// together as the others do.
    pub(crate) fn fit(columns: &[Vec<f32>], lexical: usize, seed: u64) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        let (lexical, components) = columns.split_at(lexical.min(columns.len()));
        let factor = |block: &[Vec<f32>]| {
            let energy: f64 = block.iter().map(|column| variance(column)).sum();
            if energy > 0.0 { energy.sqrt().recip() } else { 0.0 }
        };
        let blocks = [(lexical, factor(lexical)), (components, factor(components))];
        let scale: Vec<f64> = blocks.iter().flat_map(|(block, factor)| block.iter().map(|_| *factor)).collect();
        let joint = Array2::from_shape_fn((rows, columns.len()), |(i, j)| f64::from(columns[j][i]) * scale[j]);
        let directions = Projection::fit(joint.view(), DIMENSIONS, seed ^ DIRECTIONS).directions;
        Self {
            mean: columns.iter().map(|column| mean(column)).collect(),
            scale,
            directions: directions.rows().into_iter().map(|d| d.iter().map(|x| *x as f32).collect()).collect(),
        }
    }

    /// The codes of all rows, one after the other.
    pub(crate) fn codes(&self, columns: &[Vec<f32>]) -> Vec<i8> {
        let rows = columns.first().map_or(0, Vec::len);
        (0..rows).into_par_iter().flat_map_iter(|row| self.code(|column| columns[column][row])).collect()
    }

    /// The length is that of the whole place, so that a row which lies outside of the directions is like none.
    fn code(&self, feature: impl Fn(usize) -> f32) -> Vec<i8> {
        let standard = |(j, (mean, scale)): (usize, (&f64, &f64))| (f64::from(feature(j)) - mean) * scale;
        let place: Vec<f64> = self.mean.iter().zip(&self.scale).enumerate().map(standard).collect();
        let length = place.iter().map(|x| x * x).sum::<f64>().sqrt();
        let unit = if length > 0.0 { UNIT / length } else { 0.0 };
        let along = |d: &Vec<f32>| d.iter().zip(&place).map(|(d, x)| f64::from(*d) * x).sum::<f64>();
        self.directions.iter().map(|direction| (along(direction) * unit).round() as i8).collect()
    }
}

impl Neighbours {
    /// Keeps the rows whose weight is positive, or a seeded uniform sample of [`MOST`] of them. `labels` has a list per
    /// tier.
    pub(crate) fn fit(dimensions: usize, codes: &[i8], labels: &[Vec<f64>], weights: &[f64], seed: u64) -> Self {
        let mut rows: Vec<usize> = (0..weights.len()).filter(|row| weights[*row] > 0.0).collect();
        let total: f64 = rows.iter().map(|row| weights[*row]).sum();
        let sum = |tier: &Vec<f64>| rows.iter().map(|row| weights[*row] * tier[*row]).sum::<f64>();
        let mean = |tier: &Vec<f64>| if total > 0.0 { sum(tier) / total } else { 0.5 };
        let prior = labels.iter().map(mean).collect();
        let k = asked(rows.len());
        rows.shuffle(&mut stream(seed, SAMPLE));
        rows.truncate(MOST);
        rows.sort_unstable();
        Self {
            codes: rows.iter().flat_map(|row| &codes[row * dimensions..(row + 1) * dimensions]).copied().collect(),
            labels: rows.iter().flat_map(|row| labels.iter().map(|tier| tier[*row] as f32)).collect(),
            weights: rows.iter().map(|row| weights[*row] as f32).collect(),
            prior,
            k,
        }
    }

    /// What the neighbours of one code say: p = (Σ s·w·y + κ·ȳ) / (Σ s·w + κ) over the k nearest, s the cosine held at 0
    /// or above, κ = 10.
    #[must_use]
    pub fn around(&self, code: &[i8]) -> Neighbourhood {
        let tiers = self.prior.len();
        let mut sums: Vec<f64> = self.prior.iter().map(|prior| SHRINKAGE * prior).collect();
        let (mut total, mut least) = (SHRINKAGE, 1.0_f64);
        for (product, row) in self.nearest(code) {
            let similarity = f64::from(product) / (UNIT * UNIT);
            let weight = similarity.max(0.0) * f64::from(self.weights[row]);
            let labels = &self.labels[row * tiers..(row + 1) * tiers];
            sums.iter_mut().zip(labels).for_each(|(sum, label)| *sum += weight * f64::from(*label));
            total += weight;
            least = least.min(similarity);
        }
        Neighbourhood { p: sums.into_iter().map(|sum| sum / total).collect(), distance: 1.0 - least }
    }

    /// Inner products and rows of the k nearest, the nearest first; of equally near rows the first.
    fn nearest(&self, code: &[i8]) -> Vec<(i32, usize)> {
        let mut heap: BinaryHeap<Reverse<(i32, Reverse<usize>)>> = BinaryHeap::with_capacity(self.k + 1);
        let mut worst = i32::MIN;
        for (row, other) in self.codes.chunks_exact(code.len().max(1)).enumerate() {
            let product = dot(code, other);
            if product > worst || heap.len() < self.k {
                heap.push(Reverse((product, Reverse(row))));
                if heap.len() > self.k {
                    heap.pop();
                }
                if heap.len() == self.k {
                    worst = heap.peek().map_or(i32::MIN, |Reverse((product, _))| *product);
                }
            }
        }
        heap.into_sorted_vec().into_iter().map(|Reverse((product, Reverse(row)))| (product, row)).collect()
    }
}

/// Neighbours that are asked of so many rows: their square root, within 20 and 100.
fn asked(rows: usize) -> usize {
    (rows as f64).sqrt().round().clamp(20.0, 100.0) as usize
}

fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

fn mean(column: &[f32]) -> f64 {
    column.iter().map(|x| f64::from(*x)).sum::<f64>() / column.len().max(1) as f64
}

fn variance(column: &[f32]) -> f64 {
    let mean = mean(column);
    column.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / column.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::normal;

    /// Two clouds on opposite sides; tier 0 fails in the second.
    fn clouds(rows: usize) -> (Vec<Vec<f32>>, Vec<Vec<f64>>) {
        let mut rng = stream(3, 0);
        let side: Vec<f64> = (0..rows).map(|i| if i.is_multiple_of(2) { 1.0 } else { -1.0 }).collect();
        let column = |scale: f64, rng: &mut _| side.iter().map(|s| (scale * s + 0.3 * normal(rng)) as f32).collect();
        let columns = vec![column(1.0, &mut rng), column(2.0, &mut rng), column(0.0, &mut rng)];
        let fails = side.iter().map(|s| f64::from(u8::from(*s > 0.0))).collect();
        (columns, vec![fails, vec![1.0; rows]])
    }

    #[test]
    fn the_neighbours_outcomes_are_found_and_strangers_lie_far_off() {
        let (columns, labels) = clouds(400);
        let space = Space::fit(&columns, 1, 1);
        let codes = space.codes(&columns);
        let dimensions = space.directions.len();
        let neighbours = Neighbours::fit(dimensions, &codes, &labels, &vec![1.0; 400], 1);
        assert_eq!((neighbours.k, neighbours.weights.len()), (20, 400));
        let good = neighbours.around(&codes[..dimensions]);
        let bad = neighbours.around(&codes[dimensions..2 * dimensions]);
        // Twenty neighbours of one kind against ten rows of average outcome.
        assert!((good.p[0] - 25.0 / 30.0).abs() < 0.02 && (bad.p[0] - 5.0 / 30.0).abs() < 0.02, "{good:?} {bad:?}");
        assert!((good.p[1] - 1.0).abs() < 1e-9 && good.distance < 0.1);
        let stranger = space.code(|column| [0.0, 0.0, 9.0][column]);
        assert!(neighbours.around(&stranger).distance > good.distance);
    }

    #[test]
    fn equally_near_rows_are_taken_in_order() {
        let rows = Neighbours {
            codes: vec![3, 5, 3, 5, -5],
            labels: vec![0.0; 5],
            weights: vec![1.0; 5],
            prior: vec![0.0],
            k: 3,
        };
        assert_eq!(rows.nearest(&[2]), [(10, 1), (10, 3), (6, 0)]);
    }

    #[test]
    fn rows_without_weight_are_left_out_and_too_many_are_sampled() {
        let weights: Vec<f64> = (0..MOST + 100).map(|i| f64::from(u8::from(i > 0))).collect();
        let labels = vec![vec![1.0; weights.len()]];
        let codes: Vec<i8> = weights.iter().map(|w| if *w > 0.0 { 1 } else { 2 }).collect();
        let neighbours = Neighbours::fit(1, &codes, &labels, &weights, 1);
        assert!(neighbours.codes.len() == MOST && neighbours.codes.iter().all(|code| *code == 1));
        assert_eq!(neighbours.k, 100);
    }

    #[test]
    fn constant_features_give_the_prior_and_no_nan() {
        let columns = vec![vec![1.0_f32; 30]; 2];
        let space = Space::fit(&columns, 1, 1);
        let codes = space.codes(&columns);
        let neighbours = Neighbours::fit(space.directions.len(), &codes, &[vec![0.25; 30]], &[1.0; 30], 1);
        assert_eq!(neighbours.around(&codes[..space.directions.len()]), Neighbourhood { p: vec![0.25], distance: 1.0 });
    }
}
