//! `GET /openapi.json`, and what `rungs openapi` prints.

use axum::Json;
use serde_json::Value;

/// The document, with this program's version.
///
/// # Errors
/// When the embedded text is no JSON, which the tests of this program exclude.
pub fn document() -> Result<Value, serde_json::Error> {
    let mut document: Value = serde_json::from_str(include_str!("openapi.json"))?;
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    Ok(document)
}

/// What the endpoints take and give.
pub(super) async fn openapi() -> Json<Value> {
    Json(document().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of the routes, as the router's own source writes them.
    fn routed() -> Vec<String> {
        let source = [include_str!("../http.rs"), include_str!("current.rs")].concat();
        let paths = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
        paths.map(|path| path.replace("{*", "{")).collect()
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else() {
        let document = document().unwrap();
        let described: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        let routed = routed();
        assert!(routed.len() > 10);
        for path in &routed {
            assert!(described.contains(&path), "{path} is not described");
        }
        for path in described {
            assert!(routed.contains(path), "{path} is not routed");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = document().unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{reference}");
        }
    }
}
