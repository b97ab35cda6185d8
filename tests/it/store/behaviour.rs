//! What every store must do, written against the trait.

use std::collections::HashSet;
use std::sync::Arc;

use rungs::database::Statement;
use rungs::decisions::export::{Exported, export};
use rungs::decisions::verify::{Verified, Verifier};
use rungs::decisions::{DecisionFilter, DecisionRecord, DecisionStore, Feedback, Outcome, StoreError};

use crate::support::record::{bare_record, full_record, settled, stored, without_receipt};

pub(crate) async fn ids(store: &dyn DecisionStore, filter: &DecisionFilter) -> Vec<String> {
    settled(store).await;
    store.list(filter).await.unwrap().decisions.into_iter().map(|record| record.id).collect()
}

pub(crate) async fn records_come_back_field_by_field(store: &Arc<dyn DecisionStore>) {
    for record in [full_record(1), bare_record(2)] {
        store.append(record.clone()).await.unwrap();
        assert_eq!(stored(&**store, &record.id).await, Some(record));
    }
    assert_eq!(store.get("nothing").await.unwrap(), None);
    settled(&**store).await;
    let listed = store.list(&DecisionFilter { limit: 10, ..Default::default() }).await.unwrap();
    let found: Vec<_> = listed.decisions.into_iter().map(without_receipt).collect();
    assert_eq!(found, [bare_record(2), full_record(1)]);
    assert_eq!(listed.next, None);
    let bare = DecisionFilter { limit: 10, without_content: true, ..Default::default() };
    let without = DecisionRecord { request: None, answer: None, ..full_record(1) };
    let found = store.list(&bare).await.unwrap().decisions.into_iter().map(without_receipt);
    assert_eq!(found.collect::<Vec<_>>(), [bare_record(2), without]);
}

pub(crate) async fn a_second_append_of_an_id_changes_nothing(store: &Arc<dyn DecisionStore>) {
    store.append(full_record(1)).await.unwrap();
    store.append(DecisionRecord { route: Some("other".into()), attempts: vec![], ..full_record(1) }).await.unwrap();
    assert_eq!(stored(&**store, &full_record(1).id).await, Some(full_record(1)));
}

pub(crate) async fn paging_has_no_gaps_or_repeats_while_rows_are_added(store: &Arc<dyn DecisionStore>) {
    for n in 0..25 {
        store.append(bare_record(n)).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    for added in 100.. {
        settled(&**store).await;
        let page = store.list(&DecisionFilter { limit: 7, before, ..Default::default() }).await.unwrap();
        seen.extend(page.decisions.into_iter().map(|record| record.id));
        store.append(bare_record(added)).await.unwrap();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..25).rev().map(|n| bare_record(n).id).collect();
    assert_eq!(seen, expected);
}

pub(crate) async fn filters_narrow_and_combine(store: &Arc<dyn DecisionStore>) {
    let with = |n, f: fn(&mut DecisionRecord)| {
        let mut record = full_record(n);
        f(&mut record);
        record
    };
    for record in [
        with(0, |_| {}),
        with(1, |r| r.route = Some("math".into())),
        with(2, |r| r.tier = Some("small".into())),
        with(3, |r| r.tenant = None),
        with(4, |r| (r.task, r.key, r.outcome) = (Some("task-2".into()), Some("k".into()), Outcome::Failed)),
    ] {
        store.append(record).await.unwrap();
    }
    let all = DecisionFilter { limit: 100, ..Default::default() };
    let one = |n| vec![full_record(n).id];
    assert_eq!(ids(&**store, &DecisionFilter { route: Some("math".into()), ..all.clone() }).await, one(1));
    assert_eq!(ids(&**store, &DecisionFilter { tier: Some("small".into()), ..all.clone() }).await, one(2));
    assert_eq!(ids(&**store, &DecisionFilter { task: Some("task-2".into()), ..all.clone() }).await, one(4));
    assert_eq!(ids(&**store, &DecisionFilter { key: Some("k".into()), ..all.clone() }).await, one(4));
    assert_eq!(ids(&**store, &DecisionFilter { outcome: Some(Outcome::Failed), ..all.clone() }).await, one(4));
    assert_eq!(ids(&**store, &DecisionFilter { until: Some(full_record(1).at), ..all.clone() }).await, one(0));
    let tenant = DecisionFilter { tenant: full_record(0).tenant, ..all.clone() };
    assert_eq!(ids(&**store, &tenant).await.len(), 4);
    let since = DecisionFilter { since: Some(full_record(3).at), ..tenant };
    assert_eq!(ids(&**store, &since).await, one(4));
    assert_eq!(ids(&**store, &DecisionFilter { limit: 0, ..all }).await, one(4), "a limit of 0 is taken as 1");
}

pub(crate) async fn a_thousand_concurrent_appends_all_arrive(store: &Arc<dyn DecisionStore>) {
    let appends: Vec<_> = (0..1000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.append(full_record(n)).await })
        })
        .collect();
    for append in appends {
        append.await.unwrap().unwrap();
    }
    let page = ids(&**store, &DecisionFilter { limit: 1000, ..Default::default() }).await;
    assert_eq!(page.iter().collect::<HashSet<_>>().len(), 1000);
}

pub(crate) async fn a_closed_store_refuses(store: &Arc<dyn DecisionStore>) {
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(store.append(full_record(1)).await.unwrap_err().0.contains("closed"));
}

pub(crate) async fn what_clients_call_things_is_found_whatever_it_is(store: &Arc<dyn DecisionStore>) {
    let odd = "a\0b".to_owned();
    let long = "\u{1f980}".repeat(3_000);
    let record = DecisionRecord {
        tenant: Some(odd.clone()),
        route: Some(long.clone()),
        answer: Some("nul \0 and \u{1f980}".to_owned()),
        ..full_record(1)
    };
    store.append(record.clone()).await.unwrap();
    assert_eq!(stored(&**store, &record.id).await, Some(record.clone()));
    let filter = DecisionFilter { limit: 9, tenant: Some(odd), route: Some(long), ..Default::default() };
    assert_eq!(ids(&**store, &filter).await, [record.id]);
}

pub(crate) async fn each_record_names_the_one_before_it(store: &Arc<dyn DecisionStore>) {
    let appends = (0..1_200).map(|n| store.append(full_record(n)));
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap();
    }
    settled(&**store).await;
    let (mut verifier, mut lines) = (Verifier::default(), 0);
    let each = |exported: Exported| -> Result<(), StoreError> {
        lines += 1;
        verifier.push(&serde_json::to_vec(&exported).unwrap(), &lines.to_string()).map_err(StoreError)
    };
    export(&**store, None, each).await.unwrap();
    assert_eq!(verifier.end(), Verified { records: 1_200, writers: 1, ..Verified::default() });
    assert_eq!(lines, 1_200);
}

pub(crate) async fn feedback_stands_beside_the_record(store: &Arc<dyn DecisionStore>) {
    store.append(full_record(1)).await.unwrap();
    let before = store.get(&full_record(1).id).await.unwrap();
    let said = |id: &str, of: u64| Feedback {
        id: id.to_owned(),
        decision_id: full_record(of).id,
        at: full_record(1).at,
        score: 0.25,
        comment: Some("nul \0, \u{1f980}".to_owned()),
    };
    for feedback in [said("b", 1), said("a", 1), said("c", 2), said("a", 2)] {
        store.add_feedback(&feedback).await.unwrap();
    }
    let found = store.feedback(&[&full_record(1).id, "nothing"]).await.unwrap();
    assert_eq!(found, [said("a", 1), said("b", 1)]);
    assert_eq!(store.get(&full_record(1).id).await.unwrap(), before);
}

pub(crate) async fn others_keep_what_they_derive_beside_the_log(store: &Arc<dyn DecisionStore>) {
    let database = store.database().expect("a store has a database");
    let table =
        "CREATE TABLE beside (id TEXT NOT NULL PRIMARY KEY, at BIGINT, x DOUBLE PRECISION, yes BOOLEAN, said TEXT)";
    database.execute(Statement::new(table)).await.unwrap();
    let row = |id: &str, yes: bool| {
        let at = full_record(1).at;
        let insert = Statement::new("INSERT INTO beside (id, at, x, yes, said) VALUES (?, ?, ?, ?, ?)");
        insert.bind(id).bind(at).bind(0.1).bind(yes).bind(None::<&str>)
    };
    let done = database.transaction(vec![row("a", true), row("b", false)]).await.unwrap();
    assert_eq!(done.iter().map(|done| done.changed).collect::<Vec<_>>(), [1, 1]);
    // The second breaks the primary key, and takes the first with it.
    let error = database.transaction(vec![row("c", true), row("a", true)]).await.unwrap_err();
    assert!(error.0.contains("cannot be written"), "{error}");
    let changed = Statement::new("UPDATE beside SET said = ? WHERE yes = ? RETURNING id, at, x, yes, said");
    let rows = database.write(changed.bind("it is").bind(true)).await.unwrap();
    let row = rows.first().expect("the statement gives the row that it changed");
    assert_eq!((rows.len(), row.text(0).unwrap()), (1, "a".to_owned()));
    assert_eq!(row.int(1).unwrap(), full_record(1).at.as_microsecond());
    assert_eq!((row.real(2).unwrap(), row.bool(3).unwrap()), (0.1, true));
    assert!(row.int(0).is_err() && row.text(9).is_err());
    let ids = ["a", "b", "c"];
    let select = Statement::new("SELECT id, said FROM beside WHERE id IN (").list(ids).and(") ORDER BY id");
    let found = database.read(select).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| (row.text(0).unwrap(), row.maybe_text(1).unwrap())).collect();
    assert_eq!(found, [("a".to_owned(), Some("it is".to_owned())), ("b".to_owned(), None)]);
}
