//! Which of the training timesteps a run visits, largest first.

/// The course's timesteps: 990, 960, …, 30, 0.
pub fn strided() -> Vec<usize> {
    (0..=33).rev().map(|i| 30 * i).collect()
}

/// diffusers' `leading` spacing: every `train / steps`-th timestep, counted from 0.
pub fn leading(steps: usize, train: usize) -> Vec<usize> {
    let ratio = train / steps.max(1);
    (0..steps).rev().map(|i| i * ratio).collect()
}

/// IF's respacing: equal sections of the training timesteps, from low to high, with so many timesteps evenly in each.
/// (Nichol and Dhariwal 2021, §4; both ends of a section are taken. The strides are added up and halves round to even, as
/// in the code that made the published lists: multiplying instead moves super40's 949 to 950.)
pub fn respaced(counts: &[usize], train: usize) -> Vec<usize> {
    let (size, larger) = (train / counts.len().max(1), train % counts.len().max(1));
    let mut timesteps = Vec::new();
    let mut start = 0;
    for (section, &count) in counts.iter().enumerate() {
        let size = size + usize::from(section < larger);
        let stride = if count > 1 { (size - 1) as f64 / (count - 1) as f64 } else { 1.0 };
        let places = std::iter::successors(Some(0.0f64), |place| Some(place + stride));
        timesteps.extend(places.take(count).map(|place| start + place.round_ties_even() as usize));
        start += size;
    }
    timesteps.reverse();
    timesteps
}

/// The section counts of IF's published respacings, from low to high t.
pub fn sections(name: &str) -> Option<&'static [usize]> {
    Some(match name {
        "fast27" => &[10, 10, 3, 2, 2],
        "smart27" => &[7, 4, 2, 1, 2, 4, 7],
        "smart50" => &[10, 6, 4, 3, 2, 2, 3, 4, 6, 10],
        "smart100" => &[1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 7, 8, 9, 10, 13],
        "smart185" => &[1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20],
        "super27" => &[1, 1, 1, 1, 1, 1, 1, 2, 5, 13],
        "super40" => &[2, 2, 2, 2, 2, 2, 3, 4, 6, 15],
        "super100" => &[4, 4, 6, 6, 8, 8, 10, 10, 14, 30],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn respacings_are_the_lists_that_diffusers_publishes() {
        let lists = [
            ("fast27", "999,800,799,600,599,500,400,399,377,355,333,311,288,266,244,222,200,199,177,155,133,111,88,66,44,22,0"),
            ("smart27", "999,976,952,928,905,882,858,857,810,762,715,714,572,429,428,286,285,238,190,143,142,118,95,71,47,24,0"),
            (
                "smart50",
                "999,988,977,966,955,944,933,922,911,900,899,879,859,840,820,800,799,766,733,700,699,650,600,599,500,499,400,399,\
                 350,300,299,266,233,200,199,179,159,140,120,100,99,88,77,66,55,44,33,22,11,0",
            ),
            (
                "smart100",
                "999,995,992,989,985,981,978,975,971,967,964,961,957,956,951,947,942,937,933,928,923,919,914,913,908,903,897,892,\
                 887,881,876,871,870,864,858,852,846,840,834,828,827,820,813,806,799,792,785,784,777,770,763,756,749,742,741,733,\
                 724,716,707,699,698,688,677,666,656,655,645,634,623,613,612,598,584,570,569,555,541,527,526,505,484,483,462,440,\
                 439,396,395,352,351,308,307,264,263,220,219,176,132,88,44,0",
            ),
            (
                "super40",
                "999,992,985,978,971,964,957,949,942,935,928,921,914,907,900,899,879,859,840,820,800,799,766,733,700,699,650,600,\
                 599,500,499,400,399,300,299,200,199,100,99,0",
            ),
        ];
        for (name, list) in lists {
            let list: Vec<usize> = list.split(',').map(|t| t.parse().unwrap()).collect();
            assert_eq!(respaced(sections(name).unwrap(), 1000), list, "{name}");
        }
    }

    #[test]
    fn every_respacing_that_a_recipe_names_is_known_and_as_long_as_it_says() {
        for (name, len) in crate::recipe::RESPACINGS {
            assert_eq!(respaced(sections(name).unwrap(), 1000).len(), *len, "{name}");
        }
    }

    #[test]
    fn the_course_walks_from_990_to_0_by_30() {
        let strided = strided();
        assert_eq!((strided.len(), strided[0], strided[12], strided[33]), (34, 990, 630, 0));
    }
}
