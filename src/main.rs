//! The program: reads the command line and wires the parts. The only file that knows them all.

use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use darkroom::cli::doctor::{Patient, Place};
use darkroom::link::remote::{Remote, There};
use darkroom::{cli, cli::compute::Compute, link, link::Wire, memory, preview::Graphics, recipe::RunId, terminal, words::sentence};
use directories::BaseDirs;
use std::{
    fs,
    future::Future,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = memory::ALLOCATOR;

/// Diffusion experiments in a terminal: type a prompt, watch the picture develop, find it again.
///
/// Without a command, the workbench opens.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// The folder with the gallery and the queue [default: darkroom in the user's data folder].
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Work on another machine, by the name that ssh knows it by: its engine computes, its workspace keeps. Files are those of
    /// that machine, named from the home folder there; a drawing is sent.
    #[arg(long, value_name = "MACHINE", help_heading = "Elsewhere")]
    host: Option<String>,
    /// With --host: darkroom's own place on that machine, if its shell does not find it, as in ~/bin/darkroom.
    #[arg(long, value_name = "PROGRAM", default_value = "darkroom", requires = "host", help_heading = "Elsewhere")]
    there: String,
    /// Only watch what the engine does for others: this terminal changes nothing and starts no engine.
    #[arg(long)]
    watch: bool,
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
    /// What this terminal and this machine can do, and what to do where something is missing; exit code 1 where it matters.
    Doctor {
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
    /// Hold the queue, or let it go on.
    #[command(subcommand)]
    Queue(cli::queue::Queue),
    /// What models there are, what is in one, and whether it computes what it should.
    #[command(subcommand)]
    Model(cli::model::ModelCommand),
    /// Relay the engine's link, for a viewer on another machine.
    Attach {
        /// Over standard input and output.
        #[arg(long, required = true)]
        stdio: bool,
        /// For one that only watches: where there is no engine, none is started.
        #[arg(long)]
        watch: bool,
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
        // Nobody is there to be told.
        Err(error) if error.is::<terminal::Ended>() => {
            ExitCode::from(128 + error.downcast_ref().map_or(0, |ended: &terminal::Ended| ended.signal as u8))
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "darkroom: {}", sentence(&error));
            ExitCode::from(code(&error))
        }
    }
}

/// What the program ends with after an error.
fn code(error: &anyhow::Error) -> u8 {
    if error.is::<cli::attach::NoEngine>() {
        return link::remote::NO_ENGINE;
    }
    if error.is::<cli::doctor::Unwell>() {
        return 1;
    }
    // As a shell tells of a process that a signal has ended.
    error.downcast_ref().map_or(2, |cli::run::Interrupted { signal, .. }| 128 + *signal as u8)
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
    let elsewhere = matches.get_one::<String>("host").zip(matches.subcommand_name());
    if let Some((host, command)) = elsewhere.filter(|(_, command)| *command != "doctor") {
        bail!("--host is for the workbench; `ssh {host} darkroom {command}` does the rest");
    }
    let watched = matches.subcommand_name().filter(|_| matches.get_flag("watch"));
    if let Some(command) = watched.filter(|command| !["doctor", "attach"].contains(command)) {
        bail!("--watch is for the workbench; leave it out for `darkroom {command}`");
    }
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
        Some(Command::Doctor { json }) => doctor(&cli, &workspace, json, out),
        Some(Command::Stop { now }) => block_on(cli::stop::stop(&workspace, now, out)),
        Some(Command::History(options)) => cli::history::history_command(&workspace, &options, out, &mut io::stderr()),
        Some(Command::Export(options)) => cli::export::export_command(&workspace, &options, out, &mut io::stderr()),
        Some(Command::Report(options)) => cli::report::report_command(&workspace, (&options, &compute), out, &mut io::stderr()),
        Some(Command::Note(note)) => cli::note::note(&workspace, &note, &mut io::stderr()),
        Some(Command::Queue(queue)) => block_on(cli::queue::queue(&workspace, queue, out)),
        Some(Command::Model(command)) => cli::model::model(&command, &compute, out),
        Some(Command::Attach { watch, .. }) => {
            let program = if watch { None } else { Some(program()?) };
            block_on(cli::attach::attach(&workspace, program.as_ref(), io::stdin(), out))
        }
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
    let folders = BaseDirs::new();
    let state_dir = folders.as_ref().map(|folders| folders.state_dir().unwrap_or(folders.data_dir()).join("darkroom"));
    // What this terminal keeps for itself lies in the workspace, or for one elsewhere in a folder of its machine's name.
    let own = match &cli.host {
        Some(host) => state_dir.as_ref().map(|dir| dir.join("hosts").join(link::remote::folder_name(host, cli.workspace.as_deref()))),
        None => Some(workspace.clone()),
    };
    // Who only watches makes nothing, not even the workspace.
    if let Some(own) = own.as_ref().filter(|_| cli.host.is_some() || !cli.watch) {
        fs::create_dir_all(own).with_context(|| format!("the folder {} cannot be made", own.display()))?;
    }
    let options = terminal::Options {
        graphics: cli.graphics,
        theme: cli.theme.clone(),
        themes_dir: folders.as_ref().map(|folders| folders.config_dir().join("darkroom").join("themes")),
        state_dir,
        drafts_dir: own.as_ref().filter(|_| !cli.watch).map(|own| own.join("drafts")),
        stderr_log: own.map(|own| own.join("viewer.log")).filter(|log| log.parent().is_some_and(Path::is_dir)),
        // Asked while this is the only thread; later the system does not say.
        utc_offset_s: time::UtcOffset::current_local_offset().map_or(0, time::UtcOffset::whole_seconds),
        host: cli.host.clone(),
        watches: cli.watch,
    };
    block_on(async {
        let wire = wire(cli, &workspace).await?;
        let outgoing = wire.outgoing.clone();
        let ended = terminal::run(wire, options).await;
        if let Some(unheard) = outgoing.unheard() {
            let _ = writeln!(io::stderr(), "darkroom: what you asked for last may not have reached the engine: {unheard}");
        }
        ended
    })
}

async fn wire(cli: &Cli, workspace: &Path) -> Result<Wire> {
    let Some(host) = &cli.host else {
        return Ok(match cli.watch {
            true => link::client::watch(workspace),
            false => link::client::connect(workspace, link::client::this_program(cli.compute.arguments())?),
        });
    };
    let remote = remote(cli, host, cli.watch)?;
    // It may take its time, and a screen that says so needs no password any more.
    let _ = writeln!(io::stderr(), "darkroom: waiting for {host}");
    link::client::connect_to(remote).await
}

fn remote(cli: &Cli, host: &str, watches: bool) -> Result<Remote> {
    let there = There {
        program: cli.there.clone(),
        workspace: cli.workspace.as_ref().map(|workspace| workspace.to_string_lossy().into_owned()),
        arguments: cli.compute.arguments(),
        watches,
    };
    Remote::new(host, &there)
}

fn doctor(cli: &Cli, workspace: &Path, json: bool, out: &mut dyn Write) -> Result<()> {
    let place = match &cli.host {
        Some(host) => Place::There(host, remote(cli, host, true)?),
        None => Place::Here(workspace, &cli.compute),
    };
    block_on(cli::doctor::doctor(Patient { graphics: cli.graphics, place }, json, out))
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
