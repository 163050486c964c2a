//! Gradient-boosted regression trees: fitted by a library, kept and asked in a form of our own, which no version of
//! that library can change.
//!
//! The library is `hessboost`. MAPE and CV(RMSE), %, on the real chiller plant (`shared/data/plant`: December and
//! March, the last 20 % of each month held out; nine features), and of blocked cross-validation in the other rows:
//!
//! | | 10 min | 30 min | 1 h | cross-validated |
//! |---|---|---|---|---|
//! | LightGBM 4.7, defaults | 5.94 7.78 | 4.63 6.74 | 3.99 6.36 | |
//! | these settings | 5.71 7.42 | 4.49 6.54 | 3.97 6.08 | 5.86 7.08, 4.20 5.19, 3.86 4.82 |
//! | `perpetual` 3.0.0-rc.2, budget 1.25 | 6.03 8.04 | 4.53 6.78 | 3.77 5.96 | 5.72 6.90, 4.10 5.07, 3.74 4.69 |
//!
//! So the library was chosen by the rows held out, where no budget from 0.3 to 1.5 of `perpetual` kept up with
//! LightGBM at 10 min, although cross-validation promised more of it; only number, size and shrinkage of the trees
//! were chosen by cross-validation. Reading `perpetual` showed that its trees also depend on how much memory is free.
//!
//! Features are compared as 32-bit numbers, as the library does: what a row is told to be when it is fitted and
//! when it is predicted is the same.

use hessboost::config::{GrowPolicy, Monotone};
use hessboost::prelude::{BoostedModel, DMatrix, Objective, RegLoss, TrainingParams, TreeMethod, train};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::samples::Matrix;

/// Trees at a budget of 1; their shrinkage is such that more of them fit as far, in finer steps.
const TREES: f64 = 300.0;
/// Shrinkage at a budget of 1.
const SHRINKAGE: f64 = 0.05;
/// Most leaves of a tree.
const LEAVES: usize = 15;
/// Fewest rows of a leaf; fewer where there are not twenty times as many rows.
const LEAF_ROWS: f64 = 20.0;

/// Rows predicted by one thread at a time.
const BLOCK: usize = 256;
/// Rows that walk a tree at once.
const ABREAST: usize = 8;

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FitOptions {
    /// Of the booster; it uses no randomness, so that no seed changes anything.
    pub seed: u64,
    /// How much effort the booster takes, 0.1…2: trees in proportion, in finer steps.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.1, maximum = 2.0))]
    pub budget: f64,
    /// Ask the booster for power that rises with load, wet-bulb and condenser-water temperature, and falls with
    /// chilled-water supply; whether it does is measured by [`sweep`]. Speeds are free: a faster fan may lower power.
    pub monotone: bool,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { seed: 1, budget: 1.0, monotone: false }
    }
}

/// Trees whose leaves add up, with what they start from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trees {
    /// What every sum starts with.
    pub(crate) base: f64,
    /// The trees.
    pub(crate) trees: Vec<Tree>,
}

/// A tree in columns, one entry a node; node 0 is the root, and every node comes before its children.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Tree {
    /// Feature that an inner node looks at; −1 for a leaf.
    pub(crate) feature: Vec<i32>,
    /// A smaller value goes left; both as 32-bit numbers.
    pub(crate) threshold: Vec<f64>,
    /// Node for smaller values.
    pub(crate) left: Vec<u32>,
    /// Node for others.
    pub(crate) right: Vec<u32>,
    /// Node for a missing value.
    pub(crate) missing: Vec<u32>,
    /// What a leaf, or a node where the walk must end, adds.
    pub(crate) value: Vec<f64>,
}

/// Which way a target must go with a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// Whichever.
    #[default]
    Any,
    /// Not down when the feature goes up.
    Rising,
    /// Not up when the feature goes up.
    Falling,
}

impl Trees {
    /// Fits to rows whose target is a finite number; missing features are NaN. `directions`: one a feature, or none.
    /// No randomness: `options.seed` changes nothing.
    ///
    /// # Errors
    /// `too_few_rows` without rows; `no_features` without columns; `bad_option`; `internal`.
    pub(crate) fn fit(
        x: &Matrix,
        y: &[f64],
        directions: &[Direction],
        options: &FitOptions,
    ) -> Result<Self, ModelError> {
        if y.is_empty() || y.len() != x.height() {
            return Err(ModelError::new("too_few_rows", "", "There are no rows to make trees from."));
        }
        if !(0.1..=2.0).contains(&options.budget) {
            let message = format!("The budget must be within 0.1…2; it is {}.", options.budget);
            return Err(ModelError::new("bad_option", "fit.budget", message));
        }
        let scale = Scale::of(y);
        let labels: Vec<f32> = y.iter().map(|value| single(scale.down(*value))).collect();
        let library = |error: hessboost::error::HessboostError| {
            ModelError::new("internal", "", format!("The trees could not be made: {error}"))
        };
        let rows = DMatrix::from_dense_vec(row_major(x), x.height(), x.width())
            .and_then(|rows| rows.with_labels(&labels))
            .map_err(library)?;
        let leaf_rows = (y.len() as f64 / LEAF_ROWS).clamp(1.0, LEAF_ROWS).floor();
        let model = booster(&rows, leaf_rows, monotone(directions, x.width()), options).map_err(library)?;
        Self::of(&model, &scale).ok_or_else(|| ModelError::new("internal", "", "The library made a tree that is none."))
    }

    /// None when a node names a feature or a child that no tree can have.
    fn of(model: &BoostedModel, scale: &Scale) -> Option<Self> {
        let weighted = model.trees().iter().zip(model.tree_weights());
        let trees = weighted.map(|(tree, weight)| Tree::of(tree.nodes(), f64::from(weight) * scale.by));
        let trees = trees.collect::<Option<_>>()?;
        Some(Self { base: scale.from + f64::from(model.base_score()) * scale.by, trees })
    }

    /// The target for one row; a feature that is missing from the row is a missing value.
    #[must_use]
    pub(crate) fn predict(&self, row: &[f64]) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.predict(row)).sum::<f64>()
    }

    /// The target for every row: bit for bit what [`Self::predict`] says of each, and several times faster.
    #[must_use]
    pub(crate) fn predict_all(&self, x: &Matrix) -> Vec<f64> {
        let trees: Vec<PackedTree> = self.trees.iter().map(PackedTree::of).collect();
        let cells = row_major(x);
        let mut sums = vec![0.0; x.height()];
        let blocks = sums.par_chunks_mut(BLOCK).zip(cells.par_chunks(BLOCK * x.width().max(1)));
        blocks.for_each(|(sums, cells)| {
            trees.iter().for_each(|tree| tree.add_to(sums, cells, x.width().max(1)));
            sums.iter_mut().for_each(|sum| *sum += self.base);
        });
        sums
    }
}

/// A tree whose nodes lie together.
struct PackedTree {
    nodes: Vec<Node>,
    values: Vec<f64>,
    /// Steps from the root to the farthest leaf.
    depth: usize,
}

#[derive(Clone, Copy)]
struct Node {
    threshold: f32,
    feature: u32,
    /// For smaller values, for others, for missing ones; itself where the walk ends.
    next: [u32; 3],
}

impl PackedTree {
    /// As [`Tree::predict`] walks it: a child that does not come after its parent ends the walk.
    fn of(tree: &Tree) -> Self {
        let count = tree.feature.len();
        let mut depths = vec![0_usize; count];
        let mut nodes = Vec::with_capacity(count);
        for (at, feature) in tree.feature.iter().enumerate() {
            let own = u32::try_from(at).unwrap_or(0);
            let feature = u32::try_from(*feature).ok();
            let next = [&tree.left, &tree.right, &tree.missing].map(|side| {
                let next = feature.and_then(|_| side.get(at).copied());
                next.filter(|next| *next > own).unwrap_or(own)
            });
            let depth = depths.get(at).map_or(0, |depth| depth + 1);
            for next in next.iter().filter(|next| **next > own) {
                depths.iter_mut().skip(*next as usize).take(1).for_each(|below| *below = depth.max(*below));
            }
            let threshold = single(tree.threshold.get(at).copied().unwrap_or(f64::NAN));
            nodes.push(Node { threshold, feature: feature.unwrap_or(0), next });
        }
        Self { nodes, values: tree.value.clone(), depth: depths.iter().copied().max().map_or(0, |depth| depth + 1) }
    }

    /// Adds what it says of each row; several rows walk at once, because one alone waits for memory at every step.
    fn add_to(&self, sums: &mut [f64], cells: &[f32], width: usize) {
        for (sums, rows) in sums.chunks_mut(ABREAST).zip(cells.chunks(ABREAST * width)) {
            let mut at = [0_u32; ABREAST];
            for _ in 0..self.depth {
                at.iter_mut().zip(rows.chunks_exact(width)).for_each(|(at, row)| *at = self.step(*at, row));
            }
            let values = at.iter().map(|at| self.values.get(*at as usize).copied().unwrap_or(f64::NAN));
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }

    #[inline]
    fn step(&self, at: u32, row: &[f32]) -> u32 {
        let Some(node) = self.nodes.get(at as usize) else { return at };
        let cell = row.get(node.feature as usize).copied().unwrap_or(f32::NAN);
        let [smaller, other, missing] = node.next;
        let side = if cell < node.threshold { smaller } else { other };
        if cell.is_nan() { missing } else { side }
    }
}

fn booster(
    rows: &DMatrix,
    leaf_rows: f64,
    directions: Vec<Monotone>,
    options: &FitOptions,
) -> hessboost::error::Result<BoostedModel> {
    let params = TrainingParams::builder()
        .objective(Objective::SquaredError(RegLoss::default()))
        .base_score(0.0)
        .tree_method(TreeMethod::Hist)
        .grow_policy(GrowPolicy::LossGuide)
        .unlimited_depth()
        .max_leaves(LEAVES)
        .min_child_weight(leaf_rows)
        .lambda(0.0)
        .eta(SHRINKAGE / options.budget)
        .monotone_constraints(directions)
        .seed(options.seed)
        .build()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 30 and 600")]
    let rounds = (TREES * options.budget).round() as usize;
    train(&params, rows, rounds)
}

impl Tree {
    fn of(nodes: &[hessboost::tree::Node], by: f64) -> Option<Self> {
        let mut tree = Self::default();
        for node in nodes {
            let leaf = node.is_leaf();
            let child = |index: i32| if leaf { Some(0) } else { u32::try_from(index).ok() };
            let (left, right) = (child(node.left)?, child(node.right)?);
            tree.feature.push(if leaf { -1 } else { i32::try_from(node.split_feature).ok()? });
            tree.threshold.push(if leaf { 0.0 } else { shortest(node.split_cond) });
            tree.left.push(left);
            tree.right.push(right);
            tree.missing.push(if node.default_left { left } else { right });
            tree.value.push(if leaf { f64::from(node.leaf_value) * by } else { 0.0 });
        }
        Some(tree)
    }

    /// What the leaf adds that the row comes to. It ends for any tree: a child must come after its parent.
    #[must_use]
    pub(crate) fn predict(&self, row: &[f64]) -> f64 {
        let mut node = 0_usize;
        loop {
            let feature = self.feature.get(node).and_then(|feature| usize::try_from(*feature).ok());
            let next = feature.and_then(|feature| self.next(node, row.get(feature).copied().unwrap_or(f64::NAN)));
            match next {
                Some(next) if next > node => node = next,
                _ => return self.value.get(node).copied().unwrap_or(f64::NAN),
            }
        }
    }

    fn next(&self, node: usize, value: f64) -> Option<usize> {
        let side = match single(value) {
            value if value.is_nan() => &self.missing,
            value if value < single(*self.threshold.get(node)?) => &self.left,
            _ => &self.right,
        };
        side.get(node).map(|next| *next as usize)
    }
}

/// Where targets are moved to, so that 32-bit numbers hold them: mean 0, standard deviation 1.
struct Scale {
    from: f64,
    by: f64,
}

impl Scale {
    fn of(y: &[f64]) -> Self {
        let rows = y.len() as f64;
        let from = y.iter().sum::<f64>() / rows;
        let by = (y.iter().map(|value| (value - from).powi(2)).sum::<f64>() / rows).sqrt();
        Self { from, by: if by.is_normal() { by } else { 1.0 } }
    }

    fn down(&self, value: f64) -> f64 {
        (value - self.from) / self.by
    }
}

/// Finite, or NaN for a missing value: what is beyond 32-bit numbers becomes the greatest of them.
#[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is what is meant")]
fn single(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}

/// The shortest decimal number that is the same 32-bit number: half the length in the model file.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

fn row_major(x: &Matrix) -> Vec<f32> {
    let mut cells = vec![f32::NAN; x.width() * x.height()];
    for (index, column) in x.columns.iter().enumerate() {
        let places = cells.iter_mut().skip(index).step_by(x.width());
        places.zip(column).for_each(|(cell, value)| *cell = single(*value));
    }
    cells
}

fn monotone(directions: &[Direction], width: usize) -> Vec<Monotone> {
    if directions.iter().all(|direction| *direction == Direction::Any) {
        return Vec::new();
    }
    let all = directions.iter().map(|direction| match direction {
        Direction::Any => Monotone::None,
        Direction::Rising => Monotone::Increasing,
        Direction::Falling => Monotone::Decreasing,
    });
    all.chain(std::iter::repeat(Monotone::None)).take(width).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn options() -> FitOptions {
        FitOptions::default()
    }

    /// Features of any size, a quarter of them missing, and a target of them.
    fn data(seed: u64, rows: usize) -> (Matrix, Vec<f64>) {
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut columns = vec![Vec::new(); 4];
        let mut target = Vec::new();
        for _ in 0..rows {
            let cells: Vec<f64> = (0..4).map(|_| if random() < 0.25 { f64::NAN } else { random() * 100.0 }).collect();
            let or = |cell: f64, other: f64| if cell.is_nan() { other } else { cell };
            target.push(1e6 + or(cells[0], 30.0) * or(cells[1], 70.0) + 10.0 * or(cells[2], -40.0) + random());
            columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        }
        (Matrix { columns }, target)
    }

    /// The library's own answer, for rows that it was not fitted to.
    #[test]
    fn the_walk_is_the_librarys() {
        let ((x, y), (other, _)) = (data(1, 3000), data(2, 3000));
        let scale = Scale::of(&y);
        let labels: Vec<f32> = y.iter().map(|value| single(scale.down(*value))).collect();
        let matrix = |x: &Matrix| DMatrix::from_dense_vec(row_major(x), x.height(), x.width()).unwrap();
        let model = booster(&matrix(&x).with_labels(&labels).unwrap(), 20.0, Vec::new(), &options()).unwrap();
        let theirs = model.predict(&matrix(&other), hessboost::prelude::Iterations::Best).unwrap();
        let trees = Trees::of(&model, &scale).unwrap();
        let all = trees.predict_all(&other);
        let mut row = Vec::new();
        let mut missing = 0;
        for (index, theirs) in theirs.as_slice().iter().enumerate() {
            other.row_into(index, &mut row);
            missing += row.iter().filter(|cell| cell.is_nan()).count();
            assert_eq!(trees.predict(&row), all[index]);
            let ours = scale.down(all[index]);
            assert!((ours - f64::from(*theirs)).abs() < 1e-5, "{index}: {ours} {theirs}");
        }
        assert!(missing > 2000);
        assert_eq!(trees, Trees::fit(&x, &y, &[], &options()).unwrap());
    }

    #[test]
    fn a_constant_target_is_predicted() {
        let (x, _) = data(1, 300);
        let trees = Trees::fit(&x, &[42.5; 300], &[], &options()).unwrap();
        assert_eq!(trees.predict(&[1.0, 2.0, 3.0, 4.0]), 42.5);
    }

    /// Files may hold anything: a walk that goes in circles ends, and one that goes out of the tree finds no number.
    #[test]
    fn a_damaged_tree_still_ends() {
        let ask = |tree: Tree| {
            let trees = Trees { base: 0.5, trees: vec![tree] };
            let all = trees.predict_all(&Matrix { columns: vec![vec![0.0]] });
            let one = trees.predict(&[0.0]);
            assert!(all == [one] || all[0].is_nan() && one.is_nan());
            one
        };
        let tree = |next: u32| Tree {
            feature: vec![0, 0],
            threshold: vec![1.0, 1.0],
            left: vec![1, next],
            right: vec![1, next],
            missing: vec![1, next],
            value: vec![2.0, 3.0],
        };
        for next in [0, 1] {
            assert_eq!(ask(tree(next)), 3.5);
        }
        for next in [2, u32::MAX] {
            assert!(ask(tree(next)).is_nan());
        }
        assert_eq!(ask(Tree { left: Vec::new(), ..tree(0) }), 2.5);
        assert!(ask(Tree { value: Vec::new(), ..tree(0) }).is_nan());
        assert!(ask(Tree::default()).is_nan());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Leaves are means of what is left of targets: no prediction is far beyond them.
        #[test]
        fn predictions_stay_with_the_targets(seed in 1_u64..1000, cells in prop::collection::vec(-1e9_f64..1e9, 4)) {
            let (x, y) = data(seed, 200);
            let trees = Trees::fit(&x, &y, &[], &FitOptions { budget: 0.2, ..options() }).unwrap();
            let (low, high) = y.iter().fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(*y), high.max(*y)));
            let deviation = Scale::of(&y).by;
            let found = trees.predict(&cells);
            prop_assert!(found >= low - deviation && found <= high + deviation, "{low} {found} {high}");
        }
    }
}
