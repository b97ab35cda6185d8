use super::*;
use crate::config::Period;

fn budgets(toml: &str) -> Arc<Budgets> {
    #[derive(serde::Deserialize)]
    struct All {
        budgets: Vec<BudgetConfig>,
    }
    Budgets::new(&toml::from_str::<All>(toml).unwrap().budgets, Meters::local(), None)
}

fn account(task: Option<&str>, key: Option<&str>, tenant: Option<&str>) -> Account {
    let owned = |name: Option<&str>| name.map(str::to_owned);
    Account { task: owned(task), key: owned(key), tenant: owned(tenant) }
}

const CHEAP: Amount = Amount { usd: 1.0, tokens: 100.0 };

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_request_counts_as_expected_until_it_has_ended() {
    let budgets = budgets("[[budgets]]\nname = 'b'\nper = 'tenant'\nhard_usd = 2.5");
    let acme = account(None, None, Some("acme"));
    let admit = || budgets.admit(&acme, CHEAP, false, now());
    let (mut first, second) = (admit().await.unwrap(), admit().await.unwrap());
    let over = admit().await.unwrap_err();
    assert_eq!((over.spent, over.limit, over.wait), (2.0, 2.5, Some(Duration::from_secs(43_200))));
    assert!(over.to_string().contains("`b` of the tenant `acme`"), "{over}");
    first.settle(Amount { usd: 0.25, tokens: 1.0 });
    first.settle(Amount { usd: 9.0, tokens: 1.0 });
    drop(second);
    assert_eq!(admit().await.map(drop), Ok(()), "what was dropped unsettled is given back");
    assert!(budgets.admit(&account(None, None, Some("other")), CHEAP, false, now()).await.is_ok());
}

#[tokio::test]
async fn each_limit_holds_for_those_that_it_names() {
    let budgets = budgets(
        "[[budgets]]\nname = 'tokens'\nper = 'key'\nonly = ['a']\nhard_tokens = 150.0\nevery = 'month'
        [[budgets]]\nname = 'run'\nper = 'task'\nhard_usd = 1.5\nevery = 'ever'",
    );
    let keep = |account: Account| {
        let budgets = Arc::clone(&budgets);
        async move { budgets.admit(&account, CHEAP, false, now()).await.map(|mut hold| hold.settle(CHEAP)) }
    };
    assert!(keep(account(Some("t"), Some("a"), None)).await.is_ok());
    assert_eq!(keep(account(None, Some("a"), None)).await.unwrap_err().unit, "tokens");
    assert_eq!(keep(account(Some("t"), Some("b"), None)).await.unwrap_err().budget, "run");
    assert!(keep(account(Some("u"), Some("b"), None)).await.is_ok());
    assert!(!budgets.concern(&account(None, Some("b"), Some("x"))) && budgets.concern(&account(Some("v"), None, None)));
    assert_eq!(budgets.told().len(), 2, "both limits were told");
    // The month after, the key may again.
    let (key, next) = (account(None, Some("a"), None), "2026-12-01T00:00:00Z".parse().unwrap());
    assert!(budgets.admit(&key, CHEAP, false, next).await.is_ok());
    assert_eq!(budgets.told().len(), 1, "and one is over");
    assert_eq!(Period::Ever.keep(), None);
}

#[tokio::test]
async fn over_a_capping_budget_the_cheapest_tier_is_still_counted() {
    let budgets = budgets("[[budgets]]\nname = 'b'\nper = 'key'\nhard_usd = 1.0\nwhen_over = 'cheap'");
    let key = account(None, Some("a"), None);
    budgets.admit(&key, CHEAP, false, now()).await.unwrap().settle(CHEAP);
    assert_eq!(budgets.admit(&key, CHEAP, false, now()).await.unwrap_err().when_over, WhenOver::Cheap);
    budgets.admit(&key, CHEAP, true, now()).await.unwrap().settle(CHEAP);
    assert_eq!(budgets.admit(&key, CHEAP, false, now()).await.unwrap_err().spent, 2.0);
}

#[tokio::test]
async fn a_task_has_a_running_total_without_any_budget() {
    let budgets = Budgets::new(&[], Meters::local(), None);
    let task = account(Some("run-1"), None, None);
    let mut first = budgets.admit(&task, CHEAP, false, now()).await.unwrap();
    assert_eq!(first.task_usd(), Some(0.0));
    first.settle(Amount { usd: 0.5, tokens: 0.0 });
    let mut second = budgets.admit(&task, CHEAP, false, now()).await.unwrap();
    assert_eq!((first.task_usd(), second.task_usd()), (Some(1.5), Some(0.5)));
    second.settle(Amount { usd: 0.25, tokens: 0.0 });
    assert_eq!(second.task_usd(), Some(0.75));
    assert_eq!(budgets.admit(&Account::default(), CHEAP, false, now()).await.unwrap().task_usd(), None);
}
