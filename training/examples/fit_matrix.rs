//! Fits a matrix from a file with both logistic fits and prints times and coefficients as JSON;
//! `benches/compare-scikit-learn` runs it.
//!
//! File: two little-endian u64 (rows, columns), then rows × columns f64 row by row, then a label (0 or 1) per row as f64.

use std::time::Instant;

use ndarray::Array2;
use rungs_training::learners::linfa_logistic;
use rungs_training::learners::logistic::Logistic;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: fit_matrix FILE L2 ROUNDS";
    let file = args.next().ok_or(usage)?;
    let l2: f64 = args.next().ok_or(usage)?.parse()?;
    let rounds: usize = args.next().ok_or(usage)?.parse()?;
    let (x, labels) = read(&file)?;
    let hard: Vec<bool> = labels.iter().map(|y| *y > 0.5).collect();
    let weights = vec![1.0; labels.len()];
    let linfa = best(rounds, || Ok(linfa_logistic::fit(x.view(), &hard, l2)?))?;
    let weighted = best(rounds, || Ok(Logistic::fit(x.view(), &labels, &weights, l2)))?;
    println!("{{\"linfa\":{linfa},\"weighted\":{weighted}}}");
    Ok(())
}

fn read(file: &str) -> Result<(Array2<f64>, Vec<f64>), Failure> {
    let bytes = std::fs::read(file)?;
    let words: Vec<[u8; 8]> = bytes.chunks_exact(8).map(|word| word.try_into()).collect::<Result<_, _>>()?;
    let [rows, columns, numbers @ ..] = words.as_slice() else { return Err("no header".into()) };
    let (rows, columns) = (u64::from_le_bytes(*rows) as usize, u64::from_le_bytes(*columns) as usize);
    let mut numbers: Vec<f64> = numbers.iter().map(|word| f64::from_le_bytes(*word)).collect();
    if numbers.len() != rows * (columns + 1) {
        return Err("the header does not fit the file".into());
    }
    let labels = numbers.split_off(rows * columns);
    Ok((Array2::from_shape_vec((rows, columns), numbers)?, labels))
}

/// The fastest of some rounds, as JSON.
fn best(rounds: usize, fit: impl Fn() -> Result<Logistic, Failure>) -> Result<String, Failure> {
    let mut seconds = f64::INFINITY;
    let mut fitted = Logistic::default();
    for _ in 0..rounds {
        let start = Instant::now();
        fitted = fit()?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    Ok(format!("{{\"seconds\":{seconds},\"coefficients\":{:?}}}", fitted.coefficients))
}
