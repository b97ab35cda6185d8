//! The committed sample: its generator, its format and its splits.

use std::collections::{HashMap, HashSet};
use std::process::Command;

use rungs::labelled::{LabelledQuery, OnBad, Reader};

const FILE: &str = "datasets/sample/queries.jsonl";

fn queries() -> Vec<LabelledQuery> {
    Reader::open(&[FILE], OnBad::Stop).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_generator_reproduces_the_file_byte_for_byte() {
    let Ok(output) = Command::new("python3").args(["-B", "datasets/sample/generate.py", "--check"]).output() else {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_query_has_an_id_of_its_own_and_an_answer_of_both_tiers() {
    let queries = queries();
    assert_eq!(queries.iter().map(|query| query.id.as_str()).collect::<HashSet<_>>().len(), queries.len());
    for query in &queries {
        for tier in ["stand-in-small", "stand-in-large"] {
            let outcome = &query.outcomes[tier];
            let tokens = outcome.token_logprobs.as_ref().unwrap();
            assert!(outcome.answer.is_some() && outcome.cost_usd.is_some(), "{}: {tier}", query.id);
            assert_eq!(u64::try_from(tokens.len()).ok(), outcome.output_tokens, "{}: {tier}", query.id);
        }
    }
}

#[test]
fn no_group_is_in_both_splits_and_both_have_every_route() {
    let (mut splits, mut routes) = (HashMap::new(), HashMap::<_, HashSet<_>>::new());
    for query in queries() {
        let split = query.split.unwrap();
        routes.entry(query.route.unwrap()).or_default().insert(split.clone());
        let group = query.group.unwrap();
        assert_eq!(splits.entry(group.clone()).or_insert_with(|| split.clone()), &split, "{group}");
    }
    assert!(routes.len() >= 6 && routes.values().all(|splits| splits.len() == 2), "{routes:?}");
}
