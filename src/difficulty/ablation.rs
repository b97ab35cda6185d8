//! What each part of the recipe is worth: the same fit, out of fold, without it and with it alone.

use indexmap::IndexMap;
use rungs_training::evaluate::{Difference, Interval};
use rungs_training::fit::Mixture;
use rungs_training::{Dataset, FitError, Settings, fit};
use serde::Serialize;

use super::evaluate::Judged;
use super::rows::Rows;
use crate::features::Schema;

/// The full recipe's figures, and what they become without each part.
#[derive(Debug, Clone, Serialize)]
pub struct Ablation {
    /// Rows.
    pub n: usize,
    /// Groups, the unit of cross-validation and of resampling.
    pub groups: usize,
    /// Cheap → frontier.
    pub tiers: Vec<String>,
    /// Area under the performance gap recovered, of the full recipe out of fold.
    pub apgr: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub apgr_ci: Option<Interval>,
    /// The full recipe with the next seed, less itself: what chance alone moves.
    pub reseeded: Option<Difference>,
    /// Feature families in the schema's order, then the embedding and the learners.
    pub parts: IndexMap<String, Part>,
}

/// One part of the recipe.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Features of a family; `null` for a learner.
    pub features: Option<usize>,
    /// Whether any of the features has two values in these rows; without that there is nothing to measure.
    pub varies: bool,
    /// The recipe without this part.
    pub without: Option<Refit>,
    /// The recipe with this part alone: for a family no other feature, for a learner not the other one.
    pub alone: Option<Refit>,
}

/// A fit of less than the full recipe.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Refit {
    /// Its APGR, out of fold.
    pub apgr: Option<f64>,
    /// 95 % interval, cluster bootstrap.
    pub apgr_ci: Option<Interval>,
    /// Its APGR less the full recipe's, in pairs.
    pub difference: Option<Difference>,
}

/// The lexical features by family, which is the part of their names before the dot.
#[must_use]
pub fn families(schema: &Schema) -> IndexMap<&str, Vec<usize>> {
    let mut families: IndexMap<&str, Vec<usize>> = IndexMap::new();
    for (column, name) in schema.names.iter().enumerate() {
        families.entry(name.split_once('.').map_or(name.as_str(), |(family, _)| family)).or_default().push(column);
    }
    families
}

/// How many fits an ablation takes.
#[must_use]
pub fn fits(data: &Dataset, schema: &Schema) -> usize {
    10 + usize::from(data.has_domains()) + 2 * families(schema).values().filter(|columns| data.varies(columns)).count()
}

/// Refits the recipe twice per part. `step` is told before each fit what is fitted.
///
/// # Errors
/// When the solver fails.
pub fn ablate(
    rows: &Rows,
    data: &Dataset,
    schema: &Schema,
    settings: &Settings,
    mut step: impl FnMut(&str),
) -> Result<Ablation, FitError> {
    step("the full recipe");
    let full = fit(data, settings)?;
    let (apgr, apgr_ci) = (full.evaluation.apgr, full.evaluation.apgr_interval);
    let mut bench = Bench { rows, full: Judged::out_of_fold(rows.clone(), full.out_of_fold), step: &mut step };
    let next_seed = Settings { seed: settings.seed.wrapping_add(1), ..settings.clone() };
    let reseeded = bench.refit("the full recipe with the next seed", data, &next_seed)?.difference;

    let mut parts = IndexMap::new();
    let all: Vec<usize> = (0..schema.names.len()).collect();
    for (family, columns) in families(schema) {
        let varies = data.varies(&columns);
        let mut part = Part { features: Some(columns.len()), varies, without: None, alone: None };
        if varies {
            let others: Vec<usize> = all.iter().copied().filter(|column| !columns.contains(column)).collect();
            part.without = Some(bench.refit(&format!("without {family}"), &data.only(true, &others), settings)?);
            part.alone = Some(bench.refit(&format!("{family} alone"), &data.only(false, &columns), settings)?);
        }
        parts.insert(family.to_owned(), part);
    }
    let without = Some(bench.refit("without the embedding", &data.only(false, &all), settings)?);
    let alone = Some(bench.refit("the embedding alone", &data.only(true, &[]), settings)?);
    let dimensions = Some(data.dimensions());
    parts.insert("embedding".to_owned(), Part { features: dimensions, varies: true, without, alone });

    let varies = data.has_domains();
    let without = varies.then(|| bench.refit("without the domains", &data.without_domains(), settings)).transpose()?;
    parts.insert("domains".to_owned(), Part { features: None, varies, without, alone: None });

    let learners: [(&str, Weight); 3] =
        [("linear heads", Mixture::linear), ("forest", |m| m.forest), ("neighbours", |m| m.neighbours)];
    for (name, weight) in learners {
        let of_weight = |wanted: f64| Settings {
            mixtures: Mixture::grid().into_iter().filter(|mixture| weight(*mixture) == wanted).collect(),
            ..settings.clone()
        };
        let unheard = Settings { tell_neighbours: name != "neighbours", ..of_weight(0.0) };
        let without = Some(bench.refit(&format!("without the {name}"), data, &unheard)?);
        let alone = Some(bench.refit(&format!("the {name} alone"), data, &of_weight(1.0))?);
        parts.insert(name.to_owned(), Part { features: None, varies: true, without, alone });
    }
    Ok(Ablation {
        n: rows.len(),
        groups: data.group_count(),
        tiers: rows.tiers.clone(),
        apgr,
        apgr_ci,
        reseeded,
        parts,
    })
}

/// A learner's weight in a mixture.
type Weight = fn(Mixture) -> f64;

/// The full recipe's scores, and what is compared with them.
struct Bench<'a> {
    rows: &'a Rows,
    full: Judged,
    step: &'a mut dyn FnMut(&str),
}

impl Bench<'_> {
    fn refit(&mut self, name: &str, data: &Dataset, settings: &Settings) -> Result<Refit, FitError> {
        (self.step)(name);
        let fitted = fit(data, settings)?;
        let (apgr, apgr_ci) = (fitted.evaluation.apgr, fitted.evaluation.apgr_interval);
        let judged = Judged::out_of_fold(self.rows.clone(), fitted.out_of_fold);
        Ok(Refit { apgr, apgr_ci, difference: judged.compared_to(&self.full).apgr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_hold_every_feature_of_the_schema_once() {
        let schema = Schema::current();
        let families = families(&schema);
        let mut columns: Vec<usize> = families.values().flatten().copied().collect();
        columns.sort_unstable();
        assert_eq!(columns, (0..schema.names.len()).collect::<Vec<_>>());
        for (family, columns) in &families {
            assert!(columns.iter().all(|&column| schema.names[column].starts_with(&format!("{family}."))), "{family}");
        }
        for family in ["length", "code", "math", "negation", "instruction", "question", "options", "tools", "script"] {
            assert!(families.contains_key(family), "{family}");
        }
    }
}
