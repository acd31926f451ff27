//! A recipe's fields as they come from elsewhere, before they are checked.

use super::MAX_CELLS;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// More fields than any experiment has.
const MAX_FIELDS: usize = 256;

/// Fields and their values: texts, numbers, and lists of these, none longer than a grid. A value takes a hundred times the room
/// of the byte that it may come in, so a recipe of any shape would let a packet fill the memory.
pub(super) struct Fields(pub Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a recipe")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((field, One(value))) = entries.next_entry::<String, One>()? {
            fields.insert(field, value);
            if fields.len() > MAX_FIELDS {
                return Err(A::Error::custom(format!("a recipe has at most {MAX_FIELDS} fields")));
            }
        }
        Ok(Fields(fields))
    }
}

/// The value of a field.
struct One(Value);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<One, D::Error> {
        deserializer.deserialize_any(Plain { lists: true })
    }
}

/// A value in a list.
struct Item(Value);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(Plain { lists: false }).map(|One(value)| Item(value))
    }
}

struct Plain {
    lists: bool,
}

impl<'de> Visitor<'de> for Plain {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.lists { "a text, a number or a list of these" } else { "a text or a number" })
    }

    fn visit_bool<E>(self, value: bool) -> Result<One, E> {
        Ok(One(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<One, E> {
        Ok(One(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<One, E> {
        Ok(One(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<One, E> {
        Ok(One(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<One, E> {
        Ok(One(value.into()))
    }

    fn visit_unit<E>(self) -> Result<One, E> {
        Ok(One(Value::Null))
    }

    fn visit_none<E>(self) -> Result<One, E> {
        Ok(One(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<One, A::Error> {
        if !self.lists {
            return Err(A::Error::custom("a recipe holds no lists of lists"));
        }
        let mut list = Vec::new();
        while let Some(Item(item)) = items.next_element()? {
            list.push(item);
            if list.len() > MAX_CELLS {
                return Err(A::Error::custom(format!("a recipe's list has at most {MAX_CELLS} values")));
            }
        }
        Ok(One(list.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::recipe::Recipe;

    #[test]
    fn what_no_recipe_is_made_of_is_refused_as_it_comes() {
        let read = |field: &str| serde_json::from_str::<Recipe>(&format!(r#"{{"experiment": "sample", {field}}}"#));
        assert_eq!(read(r#""seed": 7"#).unwrap().seed(), 7);
        let fields: Vec<_> = (0..300).map(|number| format!(r#""f{number}": 1"#)).collect();
        for (field, why) in [
            (r#""seed": {"a": 1}"#, "invalid type: map, expected a text, a number or a list of these"),
            (r#""seed": [[1]]"#, "a recipe holds no lists of lists"),
            (r#""seed": null"#, "seed cannot be empty"),
            (&format!(r#""seed": [0{}]"#, ", 0".repeat(10_000)), "a recipe's list has at most 10000 values"),
            (&fields.join(", "), "a recipe has at most 256 fields"),
        ] {
            let said = read(field).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
