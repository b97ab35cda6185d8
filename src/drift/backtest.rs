//! The monitors of judged answers over a stream whose changes are known: how long they take, and how often they are wrong.

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::key::{Family, Key};
use super::monitors::{Finding, Monitors};
use super::rate::{Moved, Rate};
use super::sample::Judged;
use crate::config::DriftConfig;

/// An answer of the stream before anything happens to it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it is called.
    pub id: String,
    /// Its route.
    pub route: Option<String>,
    /// How acceptable it is, in [0, 1].
    pub score: f64,
}

/// Where the stream comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Recorded answers, drawn from with replacement.
    Recorded(Vec<Answer>),
    /// Answers that fail at this rate.
    Simulated(f64),
}

/// How a drop of quality is found. Counts are judged answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Found {
    /// By how much acceptable answers become fewer, as a share of all.
    pub drop: f64,
    /// The share of the runs that find it within 400 judged answers.
    pub within_400: f64,
    /// The mean delay.
    pub mean: f64,
    /// Half of the runs find it by then.
    pub p50: f64,
    /// Nine in ten find it by then.
    pub p90: f64,
    /// The share of the runs that do not find it within the most that is looked at; they count as that.
    pub not_found: f64,
}

/// One alarm over a recorded stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// The answer at which it was raised, from 1.
    pub answer: usize,
    /// What that is called.
    pub id: String,
    /// Which monitor raised it.
    pub monitor: String,
    /// What has moved.
    #[serde(flatten)]
    pub moved: Moved,
}

/// Answers before a change, beyond those that are learned from.
const BEFORE: usize = 1_000;

/// Answers after a change that are looked at.
const MOST: usize = 5_000;

/// Answers in which false alarms are counted.
const QUIET: usize = 10_000;

/// How long one run takes to find a drop.
#[must_use]
pub fn delay(source: &Source, drop: f64, config: &DriftConfig, seed: u64) -> Option<usize> {
    let mut run = Run::new(source, config, seed);
    run.learn();
    for _ in 0..BEFORE {
        run.step(0.0);
    }
    run.forget_alarms();
    (1..=MOST).find(|_| run.raises(drop))
}

/// Whether one run raises a false alarm in 10,000 answers.
#[must_use]
pub fn is_false(source: &Source, config: &DriftConfig, seed: u64) -> bool {
    let mut run = Run::new(source, config, seed);
    run.learn();
    (0..QUIET).any(|_| run.raises(0.0))
}

/// The statistic of the monitor of all answers against its limit, answer by answer, in a run with a drop in its middle.
#[must_use]
pub fn path(source: &Source, drop: f64, config: &DriftConfig, seed: u64) -> Vec<[f64; 2]> {
    let mut run = Run::new(source, config, seed);
    run.learn();
    let mut path = Vec::new();
    for n in 0..2 * BEFORE {
        let raised = run.raises(if n < BEFORE { 0.0 } else { drop });
        path.push([n as f64, if raised { 1.0 } else { run.evidence() }]);
        if raised && n >= BEFORE {
            break;
        }
    }
    path
}

/// Sums up the delays of several runs.
#[must_use]
pub fn found(drop: f64, delays: &[Option<usize>]) -> Found {
    let mut counts: Vec<usize> = delays.iter().map(|delay| delay.unwrap_or(MOST)).collect();
    counts.sort_unstable();
    let share = |n: usize| n as f64 / counts.len().max(1) as f64;
    let at = |percent: usize| counts.get(counts.len() * percent / 100).copied().unwrap_or(MOST) as f64;
    Found {
        drop,
        within_400: share(counts.iter().filter(|count| **count <= 400).count()),
        mean: counts.iter().sum::<usize>() as f64 / counts.len().max(1) as f64,
        p50: at(50),
        p90: at(90),
        not_found: share(delays.iter().filter(|delay| delay.is_none()).count()),
    }
}

/// The alarms over answers in the order in which they were recorded.
#[must_use]
pub fn recorded(answers: &[Answer], config: &DriftConfig) -> Vec<Alarm> {
    let mut monitors = Monitors::new(config.clone());
    let mut alarms = Vec::new();
    for (i, answer) in answers.iter().enumerate() {
        for finding in monitors.judged(&judged(answer, answer.score, i)) {
            if let Finding::Raised(key, moved, _) = finding {
                alarms.push(Alarm { answer: i + 1, id: answer.id.clone(), monitor: key.to_string(), moved });
            }
        }
    }
    alarms
}

struct Run<'a> {
    source: &'a Source,
    monitors: Monitors,
    rng: fastrand::Rng,
    answers: usize,
    learns: u64,
}

impl<'a> Run<'a> {
    fn new(source: &'a Source, config: &DriftConfig, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { source, monitors: Monitors::new(config.clone()), rng, answers: 0, learns: config.baseline }
    }

    fn learn(&mut self) {
        for _ in 0..self.learns {
            self.step(0.0);
        }
    }

    /// The next answer, an acceptable one of which is made unacceptable so often that a share of `drop` of all is.
    fn step(&mut self, drop: f64) -> Vec<Finding> {
        self.answers += 1;
        let (answer, normal) = match self.source {
            Source::Recorded(answers) => {
                let mean = answers.iter().map(|answer| answer.score).sum::<f64>() / answers.len().max(1) as f64;
                let Some(answer) = self.rng.choice(answers) else { return Vec::new() };
                (answer.clone(), mean)
            }
            Source::Simulated(rate) => {
                let score = f64::from(self.rng.f64() >= *rate);
                (Answer { id: String::new(), route: None, score }, 1.0 - rate)
            }
        };
        let spoiled = self.rng.f64() < drop / normal.max(f64::MIN_POSITIVE);
        let score = if spoiled { 0.0 } else { answer.score };
        self.monitors.judged(&judged(&answer, score, self.answers))
    }

    fn raises(&mut self, drop: f64) -> bool {
        self.step(drop).iter().any(|finding| matches!(finding, Finding::Raised(..)))
    }

    fn evidence(&self) -> f64 {
        self.monitors.rates.get(&Key::of_all(Family::Quality)).map_or(0.0, Rate::evidence)
    }

    /// What was raised by mistake before the change is seen to: the monitors are as fresh as after an acknowledgement.
    fn forget_alarms(&mut self) {
        self.monitors.rates.each(|_, rate| {
            if rate.is_alarmed() {
                rate.acknowledge();
            }
        });
    }
}

fn judged(answer: &Answer, score: f64, n: usize) -> Judged {
    Judged {
        decision: answer.id.clone(),
        at: Timestamp::UNIX_EPOCH + i64::try_from(n).unwrap_or_default().seconds(),
        route: answer.route.clone(),
        tier: None,
        tenant: None,
        score,
        predicted: None,
        is_uniform: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_stream_with_a_known_change_gives_an_alarm_after_it() {
        let answer = |i: usize| {
            let every = if i < 2_500 { 10 } else { 4 };
            Answer { id: format!("row-{i}"), route: None, score: f64::from(!i.is_multiple_of(every)) }
        };
        let answers: Vec<Answer> = (0..3_500).map(answer).collect();
        let alarms = recorded(&answers, &DriftConfig::default());
        assert!(matches!(alarms.first(), Some(alarm) if (2_500..2_900).contains(&alarm.answer)), "{alarms:?}");
        assert_eq!(recorded(&answers[..2_500], &DriftConfig::default()), []);
    }

    #[test]
    fn delays_are_summed_up() {
        let delays: Vec<Option<usize>> = (1..=9).map(|n| Some(n * 100)).chain([None]).collect();
        let found = found(0.1, &delays);
        assert_eq!((found.within_400, found.p50, found.p90, found.not_found), (0.4, 600.0, 5_000.0, 0.1));
    }

    #[test]
    fn a_recorded_source_is_dropped_by_as_much_as_is_asked_for() {
        let answers = (0..10).map(|i| Answer { id: String::new(), route: None, score: f64::from(i != 0) }).collect();
        let delay = delay(&Source::Recorded(answers), 0.2, &DriftConfig::default(), 1);
        assert!(delay.is_some_and(|delay| delay < 300), "{delay:?}");
    }
}
