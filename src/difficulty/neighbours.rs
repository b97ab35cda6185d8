//! Nearest neighbours among the training rows: what became of the rows most like a request, and how far off they lie.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::codes::Codes;
use super::dot::dot;

/// Rows are compared by the cosine of their codes, which say in bytes where they lie among what the forest sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Neighbours {
    /// Mean of each of the forest's features.
    pub mean: Vec<f64>,
    /// Factor of each of them.
    pub scale: Vec<f64>,
    /// Principal directions: codes × features.
    pub directions: Vec<Vec<f32>>,
    /// The rows' codes: along the directions, in parts of the row's whole length, times 127.
    pub codes: Codes,
    /// Per row, the label of each tier, in [0, 1].
    pub labels: Vec<f32>,
    /// How much each row counts, not negative.
    pub weights: Vec<f32>,
    /// Mean label of each tier.
    pub prior: Vec<f64>,
    /// Neighbours that are asked.
    pub k: usize,
    /// Hundredths of the distances between training rows and their neighbours, rising.
    pub distances: Vec<f64>,
}

/// What the neighbours of one request say.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbourhood {
    /// Per tier, the shrunk mean label, in [0, 1].
    pub p: Vec<f64>,
    /// Share of the training rows that lie nearer to their neighbours than the request does, in [0, 1].
    pub novelty: f64,
}

/// How `model.json` has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    mean: Vec<f64>,
    scale: Vec<f64>,
    directions: Vec<Vec<f32>>,
    /// Base64 of the bytes.
    codes: String,
    labels: Vec<f32>,
    weights: Vec<f32>,
    prior: Vec<f64>,
    k: usize,
    distances: Vec<f64>,
}

/// What a component of ±1 is written as.
const UNIT: f64 = 127.0;

/// How many rows of average outcome stand beside the neighbours, whose similarities are at most 1 each.
const SHRINKAGE: f64 = 10.0;

impl Neighbours {
    /// Asks the rows most like these features of the forest: p = (Σ s·w·y + κ·ȳ) / (Σ s·w + κ) over the k nearest, s the
    /// cosine held at 0 or above, κ = 10.
    #[must_use]
    pub fn around(&self, features: &[f32]) -> Neighbourhood {
        let tiers = self.prior.len();
        let mut sums: Vec<f64> = self.prior.iter().map(|prior| SHRINKAGE * prior).collect();
        let (mut total, mut least) = (SHRINKAGE, 1.0_f64);
        for (product, row) in self.nearest(&self.code(features)) {
            let similarity = f64::from(product) / (UNIT * UNIT);
            let weight = similarity.max(0.0) * f64::from(self.weights[row]);
            let labels = &self.labels[row * tiers..(row + 1) * tiers];
            sums.iter_mut().zip(labels).for_each(|(sum, label)| *sum += weight * f64::from(*label));
            total += weight;
            least = least.min(similarity);
        }
        let p = sums.into_iter().map(|sum| sum / total).collect();
        Neighbourhood { p, novelty: self.novelty(1.0 - least) }
    }

    fn novelty(&self, distance: f64) -> f64 {
        self.distances.partition_point(|known| *known < distance) as f64 / self.distances.len().max(1) as f64
    }

    /// The length is that of the whole place, so that a request which lies outside of the directions is like none.
    fn code(&self, features: &[f32]) -> Vec<i8> {
        let standard = |(x, (mean, scale)): (&f32, (&f64, &f64))| (f64::from(*x) - mean) * scale;
        let place: Vec<f64> = features.iter().zip(self.mean.iter().zip(&self.scale)).map(standard).collect();
        let length = place.iter().map(|x| x * x).sum::<f64>().sqrt();
        let unit = if length > 0.0 { UNIT / length } else { 0.0 };
        self.directions.iter().map(|direction| (dot(direction, &place) * unit).round() as i8).collect()
    }

    /// Inner products and rows of the k nearest, the nearest first; of equally near rows the first.
    fn nearest(&self, code: &[i8]) -> Vec<(i32, usize)> {
        let mut heap: BinaryHeap<Reverse<(i32, Reverse<usize>)>> = BinaryHeap::with_capacity(self.k + 1);
        let mut worst = i32::MIN;
        for (row, product) in self.codes.products(code).into_iter().enumerate() {
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

    /// Finds what would make an answer wrong or not a number.
    pub(super) fn check(&self, features: usize, tiers: usize) -> Result<(), String> {
        let (width, rows) = (self.directions.len(), self.weights.len());
        let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
        if self.directions.iter().any(|d| d.len() != features || !d.iter().all(|x| x.is_finite())) {
            return Err(format!("neighbours.directions: each must have {features} finite numbers"));
        }
        if [&self.mean, &self.scale].iter().any(|values| values.len() != features || !finite(values)) {
            return Err(format!("neighbours: mean and scale must have {features} finite numbers"));
        }
        let fits = self.codes.width() == width && (width == 0 || self.codes.rows() == rows);
        if !fits || self.labels.len() != rows * tiers || self.prior.len() != tiers {
            return Err(format!("neighbours: {rows} weights do not go with the codes, labels and tiers given"));
        }
        if !self.labels.iter().all(|y| (0.0..=1.0).contains(y)) || !self.prior.iter().all(|p| (0.0..=1.0).contains(p)) {
            return Err("neighbours: labels and prior must be in [0, 1]".to_owned());
        }
        if !self.weights.iter().all(|w| w.is_finite() && *w >= 0.0) {
            return Err("neighbours.weights must be finite and not negative".to_owned());
        }
        if !finite(&self.distances) || !self.distances.is_sorted() {
            return Err("neighbours.distances must be finite and rising".to_owned());
        }
        Ok(())
    }
}

impl From<Neighbours> for Stored {
    fn from(own: Neighbours) -> Self {
        let Neighbours { mean, scale, directions, codes, labels, weights, prior, k, distances } = own;
        let bytes: Vec<u8> = codes.bytes().into_iter().map(i8::cast_unsigned).collect();
        let codes = BASE64_STANDARD.encode(bytes);
        Self { mean, scale, directions, codes, labels, weights, prior, k, distances }
    }
}

impl TryFrom<Stored> for Neighbours {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { mean, scale, directions, codes, labels, weights, prior, k, distances } = stored;
        let bytes = BASE64_STANDARD.decode(codes).map_err(|error| format!("neighbours.codes: {error}"))?;
        let bytes: Vec<i8> = bytes.into_iter().map(u8::cast_signed).collect();
        let width = directions.len();
        if !bytes.len().is_multiple_of(width.max(1)) {
            return Err(format!("neighbours.codes: {} bytes are no rows of {width}", bytes.len()));
        }
        let codes = Codes::new(&bytes, width);
        Ok(Self { mean, scale, directions, codes, labels, weights, prior, k, distances })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One row at each end of feature 0; (.0, 1) became of the one, (1, 1) of the other.
    pub(in crate::difficulty) fn pair(features: usize) -> Neighbours {
        let mut row = vec![0.0; features];
        row[0] = 1.0;
        Neighbours {
            mean: vec![0.5; features],
            scale: vec![1.0; features],
            directions: vec![row],
            codes: Codes::new(&[-127, 127], 1),
            labels: vec![0.0, 1.0, 1.0, 1.0],
            weights: vec![1.0, 2.0],
            prior: vec![0.5, 1.0],
            k: 1,
            distances: vec![0.0, 0.5, 1.0],
        }
    }

    #[test]
    fn the_nearest_row_is_asked() {
        let near = pair(2).around(&[3.0, 0.5]);
        assert!((near.p[0] - (10.0 * 0.5 + 2.0) / 12.0).abs() < 1e-12 && near.p[1] == 1.0);
        assert_eq!(near.novelty, 0.0);
        // The mean lies in no direction, and what lies off the directions is like nothing.
        for stranger in [[0.5, 0.5], [0.5, 90.0]] {
            let expected = Neighbourhood { p: vec![0.5, 1.0], novelty: 2.0 / 3.0 };
            assert_eq!(pair(2).around(&stranger), expected, "{stranger:?}");
        }
    }

    #[test]
    fn codes_survive_a_round_trip() {
        let neighbours = pair(2);
        let text = serde_json::to_string(&neighbours).unwrap();
        assert_eq!(serde_json::from_str::<Neighbours>(&text).unwrap(), neighbours);
        assert!(serde_json::from_str::<Neighbours>(&text.replace("gX8=", "gX8")).is_err(), "{text}");
    }

    #[test]
    fn what_does_not_fit_together_is_found() {
        assert_eq!(pair(2).check(2, 2), Ok(()));
        let faults: [fn(&mut Neighbours); 8] = [
            |n| n.directions[0].push(0.0),
            |n| n.mean[0] = f64::NAN,
            |n| n.codes = Codes::new(&[-127], 1),
            |n| n.labels[0] = 2.0,
            |n| n.labels.truncate(3),
            |n| n.weights[0] = -1.0,
            |n| n.prior.truncate(1),
            |n| n.distances.reverse(),
        ];
        for fault in faults {
            let mut neighbours = pair(2);
            fault(&mut neighbours);
            assert!(neighbours.check(2, 2).is_err(), "{neighbours:?}");
        }
    }
}
