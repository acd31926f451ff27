//! The program: reads the command line and wires the parts. The only file that knows them all.

use anyhow::{Context, Result};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use darkroom::{cli, cli::compute::Compute, link, memory, preview::Graphics, recipe::RunId, terminal, words::sentence};
use directories::BaseDirs;
use std::{
    fs,
    future::Future,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Diffusion experiments in a terminal: type a prompt, watch the picture develop, find it again.
///
/// Without a command, the workbench opens.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// The folder with the gallery and the queue [default: darkroom in the user's data folder].
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// How the workbench shows pictures; otherwise it asks the terminal.
    #[arg(long)]
    graphics: Option<Graphics>,
    /// The workbench's theme: dark, light, contrast, safelight, or one of your own.
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    #[command(flatten)]
    compute: Compute,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands whose arguments are their own; `run` and `submit` take those of the experiments.
#[derive(Debug, Subcommand)]
enum Command {
    /// What the engine is doing.
    Status {
        /// One JSON object, for programs.
        #[arg(long)]
        json: bool,
    },
    /// End the engine once nothing runs; what waits goes on in the next one.
    Stop {
        /// Cancel what runs instead of waiting for it.
        #[arg(long)]
        now: bool,
    },
    /// List finished runs, newest first.
    History(cli::history::History),
    /// Make a contact sheet or a film of a run that is kept.
    Export(cli::export::Export),
    /// Make the page of a part of the course, or one figure of it.
    Report(cli::report::Report),
    /// Write a note on a run, in place of the one it has.
    Note(cli::note::Note),
    /// What models there are, what is in one, and whether it computes what it should.
    #[command(subcommand)]
    Model(cli::model::ModelCommand),
    /// Relay the engine's link, for a viewer on another machine.
    Attach {
        /// Over standard input and output.
        #[arg(long, required = true)]
        stdio: bool,
    },
    /// Write the completions of a shell to standard output.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    #[command(hide = true)]
    Engine,
}

fn main() -> ExitCode {
    memory::keep();
    let matches = command().try_get_matches().unwrap_or_else(|error| refuse(&error));
    match dispatch(&matches, &mut io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "darkroom: {}", sentence(&error));
            // As a shell tells of a process that a signal has ended.
            let signal = error.downcast_ref().map(|cli::run::Interrupted { signal, .. }| *signal as u8);
            ExitCode::from(signal.map_or(2, |signal| 128 + signal))
        }
    }
}

/// Ends the program with what is wrong with the command line, or with the help that was asked for.
fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("error: ") || line.starts_with("tip: "));
    let words: Vec<_> = lines.map(|line| line.trim_start_matches("error: ")).collect();
    match words.is_empty() {
        true => error.exit(),
        false => {
            let _ = writeln!(io::stderr(), "darkroom: {}", sentence(&anyhow::Error::msg(words.join("; "))));
            std::process::exit(2)
        }
    }
}

/// The whole command line.
fn command() -> clap::Command {
    let json = || Arg::new("json").long("json").global(true).action(ArgAction::SetTrue).help("One JSON object a line, for programs");
    let out = Arg::new("out").long("out").global(true).value_name("PATH").value_parser(clap::value_parser!(PathBuf));
    let run = clap::Command::new("run")
        .about("Run a recipe in this process, without the screen")
        .arg(out.help("A PNG file for a single picture, otherwise a folder"))
        .arg(
            Arg::new("resume")
                .long("resume")
                .value_name("RUN")
                .value_parser(clap::value_parser!(i64).range(1..))
                .conflicts_with("recipe")
                .help("Go on with an unfinished run from its last checkpoint"),
        )
        .arg(json());
    let submit = clap::Command::new("submit").about("Hand a recipe to the engine and go on").arg(json());
    Cli::command().subcommands([run, submit].map(cli::ask::with_experiments))
}

fn dispatch(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let workspace = workspace(matches)?;
    let compute = Compute::from_arg_matches(matches)?;
    let program = || link::client::this_program(compute.arguments());
    if let Some((name @ ("run" | "submit"), matches)) = matches.subcommand() {
        let resumed = if name == "run" { matches.get_one::<i64>("resume").copied() } else { None };
        let grid = || cli::ask::grid(matches);
        let inner = matches.subcommand().map_or(matches, |(_, inner)| inner);
        let json = inner.get_flag("json");
        if name == "submit" {
            return block_on(cli::submit::submit(&workspace, grid()?, (json, &program()?), out));
        }
        let options = cli::run::Options { out: inner.get_one("out").cloned(), json, compute };
        return match resumed {
            Some(id) => cli::run::resume(&workspace, RunId(id), &options, out),
            None => cli::run::run(&workspace, &grid()?, &options, out),
        };
    }
    let cli = Cli::from_arg_matches(matches)?;
    match cli.command {
        None => workbench(&cli, workspace),
        Some(Command::Status { json }) => block_on(cli::status::status(&workspace, json, out)),
        Some(Command::Stop { now }) => block_on(cli::stop::stop(&workspace, now, out)),
        Some(Command::History(options)) => cli::history::history_command(&workspace, &options, out, &mut io::stderr()),
        Some(Command::Export(options)) => cli::export::export_command(&workspace, &options, out, &mut io::stderr()),
        Some(Command::Report(options)) => cli::report::report_command(&workspace, (&options, &compute), out, &mut io::stderr()),
        Some(Command::Note(note)) => cli::note::note(&workspace, &note, &mut io::stderr()),
        Some(Command::Model(command)) => cli::model::model(&command, &compute, out),
        Some(Command::Attach { .. }) => block_on(cli::attach::attach(&workspace, &program()?, io::stdin(), out)),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "darkroom", &mut script);
            Ok(out.write_all(&script)?)
        }
        Some(Command::Engine) => block_on(cli::engine::engine(&workspace, &compute, out)),
    }
}

fn workspace(matches: &ArgMatches) -> Result<PathBuf> {
    if let Some(dir) = matches.get_one::<PathBuf>("workspace") {
        return Ok(std::path::absolute(dir)?);
    }
    let folders = BaseDirs::new().context("there is no home folder; name a workspace with --workspace DIR")?;
    Ok(folders.data_dir().join("darkroom"))
}

/// Opens the screen; the engine is started behind it.
fn workbench(cli: &Cli, workspace: PathBuf) -> Result<()> {
    fs::create_dir_all(&workspace).with_context(|| format!("the workspace {} cannot be made", workspace.display()))?;
    let folders = BaseDirs::new();
    let options = terminal::Options {
        graphics: cli.graphics,
        theme: cli.theme.clone(),
        themes_dir: folders.as_ref().map(|folders| folders.config_dir().join("darkroom").join("themes")),
        state_dir: folders.as_ref().map(|folders| folders.state_dir().unwrap_or(folders.data_dir()).join("darkroom")),
        drafts_dir: Some(workspace.join("drafts")),
        stderr_log: Some(workspace.join("viewer.log")),
        // Asked while this is the only thread; later the system does not say.
        utc_offset_s: time::UtcOffset::current_local_offset().map_or(0, time::UtcOffset::whole_seconds),
    };
    block_on(async {
        let wire = link::client::connect(&workspace, link::client::this_program(cli.compute.arguments())?);
        terminal::run(wire, options).await
    })
}

/// How long threads may take to end that nobody waits for.
const LAST_MOMENTS: Duration = Duration::from_millis(500);

/// One thread is enough for everything that waits; what computes has threads of its own.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // What is still fetched from a slow address is nobody's any more.
    runtime.shutdown_timeout(LAST_MOMENTS);
    result
}
