//! Labelled queries as numbers: labels, weights and groups of the rows that have an outcome of every tier asked for.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::prices::{CostSource, Prices};
use crate::labelled::LabelledQuery;

/// Rows with an outcome of every tier asked for; every list has one entry per row.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The tiers asked for, cheap → frontier.
    pub tiers: Vec<String>,
    /// Per tier: recorded scores in [0, 1].
    pub labels: Vec<Vec<f64>>,
    /// Per tier: cost in USD, where it is recorded or follows from tokens and a price.
    pub costs: Vec<Vec<Option<f64>>>,
    /// The least sure source of any of the costs.
    pub cost_source: CostSource,
    /// The row's domain, where it names one.
    pub domains: Vec<Option<String>>,
    /// The row's route, where it names one.
    pub routes: Vec<Option<String>>,
    /// Row weights.
    pub weights: Vec<f64>,
    /// What rows are grouped by.
    pub unit: Unit,
    /// A number per group, from the group's name alone, so that it is the same in every file.
    pub groups: Vec<u64>,
    /// The number of the row's own group, whatever the unit: which questions a model has seen.
    pub questions: Vec<u64>,
    /// Rows left out because they lack an outcome of one of the tiers.
    pub left_out: usize,
    /// All tiers that any row has an outcome of, with the number of those rows.
    pub found: IndexMap<String, usize>,
    prices: Prices,
    fingerprint: Sha256,
}

/// What must stay together when rows are split or drawn again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// The row's `group`, else the row itself: figures are for unseen questions.
    #[default]
    Group,
    /// The row's `domain`: figures are for unseen domains.
    Domain,
}

impl Rows {
    /// No rows yet.
    #[must_use]
    pub fn new(tiers: &[String], unit: Unit) -> Self {
        Self {
            unit,
            tiers: tiers.to_vec(),
            labels: vec![Vec::new(); tiers.len()],
            costs: vec![Vec::new(); tiers.len()],
            cost_source: CostSource::default(),
            domains: Vec::new(),
            routes: Vec::new(),
            weights: Vec::new(),
            groups: Vec::new(),
            questions: Vec::new(),
            left_out: 0,
            found: IndexMap::new(),
            prices: Prices::default(),
            fingerprint: Sha256::new(),
        }
    }

    /// Prices for the rows to come, where their costs are not recorded.
    #[must_use]
    pub fn priced(self, prices: Prices) -> Self {
        Self { prices, ..self }
    }

    /// Takes a query if it has an outcome of every tier; counts it as left out otherwise.
    pub fn take(&mut self, query: &LabelledQuery) -> bool {
        for tier in query.outcomes.keys() {
            *self.found.entry(tier.clone()).or_default() += 1;
        }
        let outcomes: Option<Vec<_>> = self.tiers.iter().map(|tier| query.outcomes.get(tier)).collect();
        let Some(outcomes) = outcomes else {
            self.left_out += 1;
            return false;
        };
        for (i, outcome) in outcomes.into_iter().enumerate() {
            self.labels[i].push(outcome.score);
            let cost = self.prices.cost_usd(&self.tiers[i], outcome, &query.request);
            self.cost_source = self.cost_source.max(cost.map_or(CostSource::default(), |(_, source)| source));
            self.costs[i].push(cost.map(|(cost, _)| cost));
            self.fingerprint.update(outcome.score.to_le_bytes());
        }
        self.weights.push(query.weight);
        self.domains.push(query.domain.clone());
        self.routes.push(query.route.clone());
        let question = group_number(query.cluster());
        self.questions.push(question);
        self.groups.push(match (self.unit, &query.domain) {
            (Unit::Domain, Some(domain)) => group_number(domain),
            _ => question,
        });
        for part in [query.id.as_bytes(), query.cluster().as_bytes(), &query.request.to_body()] {
            self.fingerprint.update((part.len() as u64).to_le_bytes());
            self.fingerprint.update(part);
        }
        self.fingerprint.update(query.weight.to_le_bytes());
        true
    }

    /// Adds the rows of another file; the fingerprint becomes one over the two fingerprints.
    pub fn append(&mut self, other: Self) {
        self.labels.iter_mut().zip(other.labels).for_each(|(to, from)| to.extend(from));
        self.costs.iter_mut().zip(other.costs).for_each(|(to, from)| to.extend(from));
        self.cost_source = self.cost_source.max(other.cost_source);
        self.domains.extend(other.domains);
        self.routes.extend(other.routes);
        self.weights.extend(other.weights);
        self.groups.extend(other.groups);
        self.questions.extend(other.questions);
        self.left_out += other.left_out;
        for (tier, rows) in other.found {
            *self.found.entry(tier).or_default() += rows;
        }
        self.fingerprint.update(other.fingerprint.finalize());
    }

    /// A number per row's domain, from the domain's name alone.
    #[must_use]
    pub fn domain_numbers(&self) -> Vec<Option<u64>> {
        self.domains.iter().map(|domain| domain.as_deref().map(group_number)).collect()
    }

    /// How many rows were taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether no row was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// SHA-256 over the rows taken, in order, hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint.clone().finalize())
    }

    /// Makes sure that there are rows.
    ///
    /// # Errors
    /// Which tier is missing, with the tiers that the data does have.
    pub fn check(&self) -> Result<(), String> {
        if !self.is_empty() {
            return Ok(());
        }
        let listed: Vec<String> = self.found.iter().map(|(tier, rows)| format!("{tier} ({rows} rows)")).collect();
        let listed = listed.join(", ");
        match self.tiers.iter().find(|tier| !self.found.contains_key(*tier)) {
            Some(tier) => Err(format!("no row has an outcome of tier `{tier}`; the data has {listed}")),
            None => Err(format!("no row has an outcome of all of {}; the data has {listed}", self.tiers.join(", "))),
        }
    }
}

/// Where a group falls in [0, 1): uniform, and the same in every file and run.
#[must_use]
pub fn place_of_group(name: &str) -> f64 {
    group_number(name) as f64 / 2.0_f64.powi(64)
}

/// The number of a group, from its name alone.
pub(crate) fn group_number(name: &str) -> u64 {
    Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use crate::labelled::RecordedOutcome;

    fn query(id: &str, tiers: &[(&str, f64)]) -> LabelledQuery {
        LabelledQuery {
            id: id.to_owned(),
            request: ChatRequest::from_prompt(id),
            route: None,
            domain: None,
            group: None,
            split: None,
            weight: 1.0,
            outcomes: tiers
                .iter()
                .map(|(tier, score)| ((*tier).to_owned(), RecordedOutcome { score: *score, ..Default::default() }))
                .collect(),
        }
    }

    #[test]
    fn rows_without_one_of_the_tiers_are_left_out_and_counted() {
        let mut rows = Rows::new(&["a".to_owned(), "b".to_owned()], Unit::Group);
        assert!(rows.take(&query("1", &[("b", 1.0), ("a", 0.0)])));
        assert!(!rows.take(&query("2", &[("a", 1.0), ("c", 0.0)])));
        assert_eq!((rows.len(), rows.left_out, &rows.labels), (1, 1, &vec![vec![0.0], vec![1.0]]));
        assert_eq!(rows.check(), Ok(()));
    }

    #[test]
    fn a_tier_that_is_not_there_is_named_with_those_that_are() {
        let mut rows = Rows::new(&["a".to_owned(), "z".to_owned()], Unit::Group);
        rows.take(&query("1", &[("a", 0.0), ("b", 1.0)]));
        let error = rows.check().unwrap_err();
        assert!(error.contains("tier `z`") && error.contains("a (1 rows), b (1 rows)"), "{error}");
    }

    #[test]
    fn rows_are_grouped_by_question_or_by_domain() {
        let groups = |unit| {
            let mut rows = Rows::new(&["a".to_owned()], unit);
            for (id, domain) in [("1", "x"), ("2", "x"), ("3", "y")] {
                rows.take(&LabelledQuery { domain: Some(domain.to_owned()), ..query(id, &[("a", 1.0)]) });
            }
            let distinct = |numbers: Vec<u64>| numbers.into_iter().collect::<std::collections::HashSet<u64>>().len();
            (distinct(rows.groups), distinct(rows.questions))
        };
        assert_eq!((groups(Unit::Group), groups(Unit::Domain)), ((3, 3), (2, 3)));
        let share = (0..1000).filter(|i| place_of_group(&i.to_string()) < 0.2).count();
        assert!((150..250).contains(&share), "{share}");
    }

    #[test]
    fn the_fingerprint_follows_content_and_order() {
        let print = |ids: &[&str], score: f64| {
            let mut rows = Rows::new(&["a".to_owned()], Unit::Group);
            ids.iter().for_each(|id| assert!(rows.take(&query(id, &[("a", score)]))));
            rows.fingerprint()
        };
        assert_eq!(print(&["1", "2"], 1.0), print(&["1", "2"], 1.0));
        assert_ne!(print(&["1", "2"], 1.0), print(&["2", "1"], 1.0));
        assert_ne!(print(&["1", "2"], 1.0), print(&["1", "2"], 0.5));
    }
}
