//! The queue: which runs wait, which one is next, and what became of them.

use super::{Gallery, index, now_ms, order, rebuild::MAX_ID, trash};
use crate::input::Inputs;
use crate::recipe::{Axis, Given, Grid, Image, MAX_CELLS, Marks, Recipe, Run, RunId, State};
use anyhow::{Context, Result, anyhow, bail, ensure};
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};

/// How many failed and cancelled runs stay in sight.
pub(super) const RECENT: u32 = 20;

/// A grid whose pictures the workspace keeps, so that its recipes run again when the originals are gone.
#[derive(Debug)]
pub struct TakenIn(Grid);

impl Gallery {
    /// Queues every recipe of a grid as a run of its own, in one transaction, and keeps each recipe as `recipe.toml`.
    ///
    /// # Errors
    /// As for [`Gallery::take_in`] and [`Gallery::enter`].
    pub fn submit(&self, grid: &Grid) -> Result<Vec<Run>> {
        self.enter(&self.take_in(grid.clone())?)
    }

    /// As [`Gallery::submit`], for a process that computes the runs itself: no engine takes them, as long as this gallery is open.
    ///
    /// # Errors
    /// As for [`Gallery::submit`].
    pub fn adopt(&self, grid: &Grid) -> Result<Vec<Run>> {
        self.enter_as(&self.take_in(grid.clone())?, true)
    }

    /// Takes an unfinished run to this process, which goes on with it: no engine takes it, as long as this gallery is open.
    /// `engine` tells whether one serves this workspace; what it has queued or computes is its own.
    ///
    /// # Errors
    /// When there is no such run, it is done, or somebody else's.
    pub fn take_over(&self, id: RunId, engine: impl Fn() -> bool) -> Result<Run> {
        self.release_orphans()?;
        let run = self.run(id)?.with_context(|| format!("there is no run {id}"))?;
        ensure!(run.state != State::Done, "run {id} is done");
        ensure!(!self.is_owned(id)?, "run {id} belongs to a `darkroom run` in another terminal");
        let engines = || run.state.is_open() && engine();
        let refused = || anyhow!("run {id} is {} in the engine; pause it first, or watch it there", run.state.word());
        ensure!(!engines(), refused());
        let lock = self.lock(id)?;
        // Only as it was looked at: somebody else may have been quicker.
        let sql = format!(
            "UPDATE runs SET state = 'queued', owner = ?1, error = NULL, ended_ms = NULL
            WHERE id = ?1 AND state = ?2 AND (owner IS NULL OR state NOT IN ('queued', 'running')) RETURNING {}",
            index::COLUMNS
        );
        let values = params![id.0, run.state.word()];
        let taken = self.index(|connection| connection.query_row(&sql, values, index::read).optional())?.flatten();
        let taken = taken.with_context(|| format!("somebody else has just changed run {id}; see `darkroom status`"))?;
        if engines() {
            // One that has started meanwhile may have it already.
            let back = "UPDATE runs SET state = ?2, owner = NULL WHERE id = ?1";
            self.index(|connection| connection.execute(back, params![id.0, run.state.word()]))?;
            return Err(refused());
        }
        super::locked(&self.held).push(lock);
        Ok(taken)
    }

    /// The first half of [`Gallery::submit`], which may take long: keeps every picture that goes in. Each is read once.
    ///
    /// # Errors
    /// When the grid's axes do not make its cells, or a picture cannot be had or kept.
    pub fn take_in(&self, mut grid: Grid) -> Result<TakenIn> {
        let cells = grid.recipes.len();
        ensure!((1..=MAX_CELLS).contains(&cells), "a grid has 1 to {MAX_CELLS} cells, this one has {cells}");
        ensure!(fits(&grid.axes, cells), "the grid's lists do not make its {cells} cells");
        let (inputs, mut kept) = (self.inputs(), HashMap::new());
        let mut take = |kind: &'static str, keep: fn(&Inputs, &Image) -> Result<Image>, image: &mut Image| -> Result<()> {
            let key = (kind, image.as_str().to_owned());
            *image = match kept.get(&key) {
                Some(known) => Image::clone(known),
                None => kept.entry(key).or_insert(keep(&inputs, image)?).clone(),
            };
            Ok(())
        };
        for Given { pictures, step, weights, embeddings } in grid.recipes.iter_mut().map(Recipe::given_mut) {
            pictures.into_iter().try_for_each(|picture| take("picture", Inputs::keep, picture))?;
            step.map_or(Ok(()), |step| take("step", Inputs::keep_step, step))?;
            weights.map_or(Ok(()), |weights| take("weights", Inputs::keep_weights, weights))?;
            embeddings.map_or(Ok(()), |file| take("embeddings", Inputs::keep_embeddings, file))?;
        }
        Ok(TakenIn(grid))
    }

    /// The second half of [`Gallery::submit`]: the runs get their numbers and their places.
    ///
    /// # Errors
    /// When the disk is full or read-only; then nothing is queued.
    pub fn enter(&self, grid: &TakenIn) -> Result<Vec<Run>> {
        self.enter_as(grid, false)
    }

    fn enter_as(&self, TakenIn(grid): &TakenIn, own: bool) -> Result<Vec<Run>> {
        let runs = self.number(grid)?;
        // The files come first: a row without its folder would be a run that no rebuild could find again.
        let entered = self.write_recipes(grid, &runs).and_then(|()| self.insert(grid, &runs, own));
        if entered.is_err() {
            runs.iter().for_each(|run| _ = fs::remove_dir_all(self.folder(run.id)));
        }
        entered.map(|()| runs)
    }

    fn insert(&self, grid: &Grid, runs: &[Run], own: bool) -> Result<()> {
        let owner = runs.first().map(|run| run.id).filter(|_| own);
        if let Some(owner) = owner {
            let lock = self.lock(owner)?;
            super::locked(&self.held).push(lock);
        }
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let place: i64 = transaction.query_row("SELECT coalesce(max(place), 0) + 1 FROM runs", [], |row| row.get(0))?;
            for (place, run) in (place..).zip(runs) {
                index::insert(&transaction, run, index::Beside { place, owner, ..index::Beside::default() })?;
            }
            if let Some(first) = runs.first().and_then(|run| run.grid) {
                index::insert_grid(&transaction, first, &grid.axes, grid.recipes.len())?;
            }
            transaction.commit()
        })
    }

    /// Takes numbers for the runs that nobody has or had: neither the index nor a folder.
    pub(super) fn number(&self, grid: &Grid) -> Result<Vec<Run>> {
        let cells = grid.recipes.len() as i64;
        let first = self.index(|connection| {
            let transaction = index::begin(connection)?;
            let last: i64 = transaction.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'runs'", [], |row| row.get(0))?;
            let mut first = last.max(trash::highest_purged(&self.workspace)).clamp(0, MAX_ID) + 1;
            while let Some(taken) = (first..first + cells).rev().find(|id| self.has_folder(RunId(*id))) {
                first = taken + 1;
            }
            transaction.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'runs'", [first + cells - 1])?;
            transaction.commit()?;
            Ok(first)
        })?;
        let created_ms = now_ms();
        let run = |(id, recipe): (i64, &Recipe)| Run {
            id: RunId(id),
            recipe: recipe.clone(),
            state: State::Queued,
            step: 0,
            of: 0,
            created_ms,
            took_ms: None,
            error: None,
            grid: (cells > 1).then_some(RunId(first)),
            note: None,
            marks: Marks::default(),
            foreign: None,
        };
        Ok((first..).zip(&grid.recipes).map(run).collect())
    }

    fn write_recipes(&self, grid: &Grid, runs: &[Run]) -> Result<()> {
        for run in runs {
            self.write_recipe(run)?;
            if run.grid == Some(run.id) {
                super::kept::keep_grid(&self.folder(run.id), grid)?;
            }
        }
        Ok(())
    }

    /// Locks the folder of a process's first run: while that lasts, [`Gallery::release_orphans`] sees that the process lives.
    /// The folder, because nothing takes its place as a new recipe does that of an old one.
    fn lock(&self, owner: RunId) -> Result<File> {
        let path = self.folder(owner);
        let folder = File::open(&path).with_context(|| format!("{} cannot be opened", path.display()))?;
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => bail!("run {owner} belongs to a `darkroom run` in another terminal"),
            // Where nothing can be locked at all, `release_orphans` finds that too and leaves the run alone.
            Err(TryLockError::Error(_)) | Ok(()) => Ok(folder),
        }
    }

    /// Unfinished runs (queued, running, paused, interrupted) and those failed or cancelled most recently, in the order of the queue.
    pub fn queue(&self) -> Result<Vec<Run>> {
        let sql = format!("SELECT {} {}", index::COLUMNS, order::QUEUE);
        self.index(|connection| read_all(connection, &sql, [RECENT]))
    }

    /// The first run that waits becomes `Running` and is returned; none while the queue is held.
    pub fn take_next(&self) -> Result<Option<Run>> {
        let next = format!(
            "UPDATE runs SET state = 'running' WHERE id =
                (SELECT id FROM runs WHERE state = 'queued' AND owner IS NULL AND NOT {} ORDER BY place, id LIMIT 1)
            RETURNING {}",
            order::HELD,
            index::COLUMNS
        );
        let unknown = "UPDATE runs SET state = 'failed', ended_ms = ?2,
            error = 'this darkroom cannot read it; run it with the newer one that wrote it' WHERE id = ?1";
        self.index(|connection| {
            loop {
                let taken = connection.query_row(&next, [], |row| Ok((row.get::<_, i64>("id")?, index::read(row)?))).optional()?;
                match taken {
                    None => return Ok(None),
                    Some((_, Some(run))) => return Ok(Some(run)),
                    Some((id, None)) => connection.execute(unknown, params![id, now_ms()])?,
                };
            }
        })
    }

    /// A run changes its state (and error).
    ///
    /// Queued again, one that was put aside or interrupted goes to the queue's head if it had begun, and one that had ended to its
    /// tail; all others keep their places.
    ///
    /// # Errors
    /// When there is no such run, when it is done, or for `Done`: only [`Gallery::save`] makes a run done.
    pub fn set_state(&self, id: RunId, state: State, error: Option<&str>) -> Result<Run> {
        ensure!(state != State::Done, "run {id} is done only once its pictures are saved");
        let sql = format!(
            "UPDATE runs SET state = ?2, error = ?3,
                owner = iif(?2 = 'queued', NULL, owner),
                place = CASE
                    WHEN ?2 <> 'queued' OR state IN ('queued', 'running') THEN place
                    WHEN state NOT IN ('paused', 'interrupted') THEN (SELECT max(place) + 1 FROM runs)
                    WHEN step > 0 THEN (SELECT min(place) - 1 FROM runs)
                    ELSE place END,
                ended_ms = iif(?2 IN ('queued', 'running'), NULL, ?4)
            WHERE id = ?1 AND state NOT IN ('done', 'trash') RETURNING {}",
            index::COLUMNS
        );
        let run =
            self.index(|connection| connection.query_row(&sql, params![id.0, state.word(), error, now_ms()], index::read).optional())?;
        match run {
            Some(run) => run.with_context(|| format!("run {id} was made by a newer darkroom")),
            None => self.run(id)?.with_context(|| format!("there is no run {id}")).and_then(|_| Err(anyhow::anyhow!("run {id} is done"))),
        }
    }

    /// A queued run that this process has adopted becomes `Running` and is returned; none where somebody else has changed it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn claim(&self, id: RunId) -> Result<Option<Run>> {
        let sql = format!(
            "UPDATE runs SET state = 'running' WHERE id = ?1 AND state = 'queued' AND owner IS NOT NULL RETURNING {}",
            index::COLUMNS
        );
        Ok(self.index(|connection| connection.query_row(&sql, [id.0], index::read).optional())?.flatten())
    }

    /// Cancels every run that waits, or that is marked as running and is not: all but those `running` and those of another process.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn cancel_all(&self, running: &[RunId]) -> Result<Vec<Run>> {
        self.cancel_between(running, RunId(0), RunId(i64::MAX))
    }

    /// As [`Gallery::cancel_all`], for the runs of these numbers only.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn cancel_between(&self, running: &[RunId], first: RunId, last: RunId) -> Result<Vec<Run>> {
        let running = running.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "UPDATE runs SET state = 'cancelled', error = NULL, ended_ms = ?1
            WHERE state IN ('queued', 'running') AND owner IS NULL AND id NOT IN ({running}) AND id BETWEEN ?2 AND ?3 RETURNING {}",
            index::COLUMNS
        );
        self.index(|connection| read_all(connection, &sql, params![now_ms(), first.0, last.0]))
    }

    /// Whether a process of its own computes the run; it may have died since [`Gallery::release_orphans`].
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_owned(&self, id: RunId) -> Result<bool> {
        let sql = "SELECT owner IS NOT NULL AND state IN ('queued', 'running') FROM runs WHERE id = ?1";
        Ok(self.index(|connection| connection.query_row(sql, [id.0], |row| row.get(0)).optional())?.unwrap_or(false))
    }

    /// Notes how far a running run has come.
    pub fn set_step(&self, id: RunId, step: u32, of: u32) -> Result<()> {
        self.index(|connection| {
            // Not worth a wait for the disk: a step that a power cut takes is made again.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let written = connection.execute("UPDATE runs SET step = ?2, steps = ?3 WHERE id = ?1", params![id.0, step, of]);
            connection.pragma_update(None, "synchronous", "FULL")?;
            written.map(|_| ())
        })
    }
}

/// The rows of a query that can be read.
pub(super) fn read_all(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<Vec<Run>> {
    let runs: Vec<_> = connection.prepare_cached(sql)?.query_map(values, index::read)?.collect::<Result<_, _>>()?;
    Ok(runs.into_iter().flatten().collect())
}

/// Whether the axes make so many cells; a single recipe, or several without a list, have none.
pub(super) fn fits(axes: &[Axis], cells: usize) -> bool {
    let made = axes.iter().try_fold(1usize, |made, axis| made.checked_mul(axis.values.len()));
    (1..=MAX_CELLS).contains(&cells) && (axes.is_empty() || made == Some(cells))
}
