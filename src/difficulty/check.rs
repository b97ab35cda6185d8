//! What must hold of an artifact beyond its shape.

use std::collections::HashSet;

use super::{Artifact, Head, Mixture, OperatingPoint, Scaling};
use crate::features::PARTS;

impl Artifact {
    /// Finds what would make a score wrong or not a number.
    pub(super) fn check(&self) -> Result<(), String> {
        let (embedding, lexical) = (PARTS * self.embedder.dimensions, self.schema.names.len());
        self.scaling.check(lexical)?;
        if self.heads.len() < 2 {
            return Err(format!("heads: {} given, at least two are needed", self.heads.len()));
        }
        if self.directions.iter().any(|d| d.len() != embedding || !d.iter().all(|x| x.is_finite())) {
            return Err(format!("directions: each must have {embedding} finite numbers"));
        }
        let (shared, tiers) = (lexical + self.directions.len(), self.heads.len());
        let learners_below = 2 + usize::from(self.domains.is_some());
        self.forest.check(shared + learners_below * (tiers + 1), tiers)?;
        self.neighbours.check(shared, tiers)?;
        self.domains.iter().try_for_each(|domains| domains.check(shared, tiers))?;
        let Mixture { forest, neighbours } = self.mixture;
        if !(forest >= 0.0 && neighbours >= 0.0 && forest + neighbours <= 1.0) {
            return Err(format!("mixture: {forest} and {neighbours} are not two shares of 1"));
        }
        let mut seen = HashSet::new();
        for head in &self.heads {
            head.check(embedding, lexical).map_err(|reason| format!("head `{}`: {reason}", head.tier))?;
            if !seen.insert(head.tier.as_str()) {
                return Err(format!("head `{}` is given twice", head.tier));
            }
        }
        let points = &self.operating_points;
        for (name, point) in [("economy", points.economy), ("balanced", points.balanced), ("quality", points.quality)] {
            point.check().map_err(|reason| format!("operating point {name}: {reason}"))?;
        }
        self.training.seen.check()?;
        if let Some(calibrated) = &self.calibrated {
            calibrated.check(&self.uncalibrated_version()).map_err(|reason| format!("calibrated: {reason}"))?;
        }
        let tiers: Vec<&str> = self.tiers().collect();
        self.confidence.iter().try_for_each(|model| model.check(&tiers))?;
        finite("signal.interval", &self.signal.interval)
    }
}

impl Scaling {
    fn check(&self, lexical: usize) -> Result<(), String> {
        length("scaling.mean", &self.mean, lexical)?;
        length("scaling.deviation", &self.deviation, lexical)?;
        finite("scaling.embedding", &[self.embedding])?;
        if self.deviation.iter().any(|deviation| *deviation <= 0.0) || self.clip <= 0.0 {
            return Err("scaling: deviations and clip must be positive".to_owned());
        }
        Ok(())
    }
}

impl Head {
    fn check(&self, embedding: usize, lexical: usize) -> Result<(), String> {
        length("linear.embedding", &self.linear.embedding, embedding)?;
        length("linear.lexical", &self.linear.lexical, lexical)?;
        finite("linear.intercept", &[self.linear.intercept])?;
        self.calibration.check()
    }
}

impl OperatingPoint {
    fn check(&self) -> Result<(), String> {
        if !(-1.0..=1.0).contains(&self.threshold) {
            return Err(format!("threshold {} is not in [-1, 1]", self.threshold));
        }
        finite("values", &[self.frontier_share, self.quality, self.pgr])
    }
}

fn length(name: &str, values: &[f64], expected: usize) -> Result<(), String> {
    if values.len() != expected {
        return Err(format!("{name} has {} numbers, the features have {expected}", values.len()));
    }
    finite(name, values)
}

fn finite(name: &str, values: &[f64]) -> Result<(), String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("{name}[{at}] is not a finite number")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::artifact::tests::example;

    #[test]
    fn a_good_artifact_passes_and_each_fault_is_named() {
        let mut artifact = example();
        assert_eq!(artifact.check(), Ok(()));

        artifact.heads[1].linear.embedding.pop();
        assert_eq!(
            artifact.check(),
            Err("head `large`: linear.embedding has 5 numbers, the features have 6".to_owned())
        );

        artifact = example();
        artifact.heads[0].linear.lexical[0] = f64::INFINITY;
        assert!(artifact.check().unwrap_err().contains("linear.lexical[0]"));

        artifact = example();
        artifact.heads[1].tier = "small".to_owned();
        assert!(artifact.check().unwrap_err().contains("twice"));

        artifact = example();
        artifact.operating_points.quality.threshold = 7.0;
        assert!(artifact.check().unwrap_err().contains("quality"));

        artifact = example();
        artifact.directions[0].pop();
        assert!(artifact.check().unwrap_err().contains("directions"));

        artifact = example();
        artifact.forest.trees[0].feature[0] = 9;
        assert!(artifact.check().unwrap_err().contains("tree 0"));

        artifact = example();
        artifact.mixture.forest = f64::NAN;
        assert!(artifact.check().unwrap_err().contains("mixture"));

        artifact = example();
        artifact.scaling.deviation[0] = 0.0;
        assert!(artifact.check().unwrap_err().contains("positive"));
    }
}
