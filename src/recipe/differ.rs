//! In what recipes differ.

use super::Recipe;

/// A field in which recipes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// Its name; `experiment` where that is another.
    pub field: String,
    /// What each of the recipes has there, as people speak of it; none where it has no such field, or leaves it open.
    pub values: Vec<Option<String>>,
}

/// A field's name, what it holds, and what that is called among people.
type Named = (String, String, String);

/// The fields in which some recipes differ, in the order of the fields; which experiment it is comes first.
pub fn differences(recipes: &[&Recipe]) -> Vec<Differing> {
    let all: Vec<Vec<Named>> = recipes.iter().map(|recipe| settled(recipe)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, ..) in all.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.into_iter().filter_map(|name| differing(&all, name)).collect()
}

fn differing(all: &[Vec<Named>], name: &str) -> Option<Differing> {
    let held: Vec<_> = all.iter().map(|fields| fields.iter().find(|(field, ..)| field == name)).collect();
    let value = |field: &Option<&Named>| field.map(|(_, value, _)| value.clone());
    let called = |field: &Option<&Named>| field.map(|(.., called)| called.clone());
    let differ = |values: &[Option<String>]| values.windows(2).any(|pair| pair[0] != pair[1]);
    let (values, names): (Vec<_>, Vec<_>) = (held.iter().map(value).collect(), held.iter().map(called).collect());
    // Where two things are called the same, only the whole value tells them apart.
    let shown = if differ(&names) { names } else { values.clone() };
    differ(&values).then(|| Differing { field: name.to_owned(), values: shown })
}

/// Every field of a recipe once, those of a training with what its edition fills in; the edition itself is left out.
fn settled(recipe: &Recipe) -> Vec<Named> {
    let same = |(name, value): (String, String)| (name, value.clone(), value);
    let named = recipe.clone().named();
    let pairs = recipe.pairs().into_iter().zip(named.pairs()).map(|((name, value), (_, called))| (name, value, called));
    let mut fields: Vec<Named> = vec![same(("experiment".to_owned(), recipe.experiment().to_owned()))];
    for (name, value, called) in pairs.chain(recipe.filled().into_iter().map(same)) {
        match fields.last_mut().filter(|(last, ..)| *last == name) {
            Some((_, values, all)) => {
                *values += &format!(" / {value}");
                *all += &format!(" / {called}");
            }
            None => fields.push((name, value, called)),
        }
    }
    // Flow matching knows no β.
    let flows = fields.iter().any(|(name, value, _)| (name.as_str(), value.as_str()) == ("objective", "flow"));
    fields.retain(|(name, ..)| name != "edition" && !(flows && name.starts_with("beta-")));
    fields
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn recipe(experiment: &str, fields: &[(&str, &str)]) -> Recipe {
        let fields: Vec<_> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        Recipe::parse(experiment, &fields).unwrap()
    }

    /// The differences as `field: a, b`.
    fn told(recipes: &[Recipe]) -> Vec<String> {
        let value = |value: &Option<String>| value.clone().unwrap_or("none".to_owned());
        let line = |one: Differing| format!("{}: {}", one.field, one.values.iter().map(value).collect::<Vec<_>>().join(", "));
        differences(&recipes.iter().collect::<Vec<_>>()).into_iter().map(line).collect()
    }

    #[test]
    fn only_what_differs_is_told_in_the_order_of_the_recipes() {
        let sample = |guidance| recipe("sample", &[("prompt", "a three"), ("guidance", guidance), ("seed", "1")]);
        assert_eq!(told(&[sample("5"), sample("7"), sample("5")]), ["guidance: 5.0, 7.0, 5.0"]);
        assert!(told(&[sample("5"), sample("5")]).is_empty());
        assert!(told(&[sample("5")]).is_empty() && told(&[]).is_empty());
    }

    #[test]
    fn another_experiment_comes_first_and_its_own_fields_are_named() {
        let pair = [recipe("sample", &[("prompt", "a three")]), recipe("forward", &[("t", "500")])];
        let told = told(&pair);
        assert_eq!(told[0], "experiment: sample, forward");
        assert!(told.contains(&"t: none, 500".to_owned()) && told.contains(&"prompt: a three, none".to_owned()), "{told:?}");
    }

    #[test]
    fn several_values_of_one_field_stand_together() {
        let anagram = |second| recipe("anagram", &[("prompt", "six"), ("prompt", second)]);
        assert_eq!(told(&[anagram("nine"), anagram("ten")]), ["prompt: six / nine, six / ten"]);
    }

    #[test]
    fn pictures_that_are_called_the_same_are_told_apart_by_their_content() {
        let forward = |digit: &str| recipe("forward", &[("image", &format!("tower.png@sha256:{}", digit.repeat(64)))]);
        let told = told(&[forward("a"), forward("b")]);
        assert!(told[0].starts_with("image: tower.png@sha256:aaa") && told[0].contains("sha256:bbb"), "{told:?}");
        let named = |name: &str| recipe("forward", &[("image", &format!("{name}@sha256:{}", "a".repeat(64)))]);
        assert_eq!(super::tests::told(&[named("a.png"), named("b.png")]), ["image: a.png, b.png"]);
    }

    #[test]
    fn a_training_is_compared_with_what_its_edition_fills_in() {
        let train = |fields: &[(&str, &str)]| recipe("train-class", fields);
        assert!(told(&[train(&[]), train(&[("edition", "fa24")])]).iter().all(|line| !line.starts_with("edition")));
        let told = told(&[train(&[("edition", "fa24")]), train(&[("edition", "fa24"), ("rate", "0.5")])]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("rate: ") && told[0].ends_with(", 0.5"), "{told:?}");
    }
}
