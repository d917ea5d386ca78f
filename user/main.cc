// SPDX-License-Identifier: GPL-2.0-only
// The command line of tlblab: parses, dispatches, and turns an Error into a message and a status.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "user/commands/check.hh"
#include "user/commands/commands.hh"
#include "user/commands/doctor.hh"
#include "user/commands/export.hh"
#include "user/commands/info.hh"
#include "user/experiment/bystanders.hh"
#include "user/experiment/header.hh"
#include "user/experiment/measuring_process.hh"
#include "user/statistics/selftest.hh"
#include "user/support/error.hh"
#include "user/support/interruption.hh"
#include "user/topology/placement.hh"

namespace tlblab {
namespace {

/// Each command sets what main() shall run.
using Action = std::function<int()>;

constexpr const char* kFooter =
    "Exit status of ab and run: 0 equivalent (run: done), 1 different, 3 inconclusive, 5 void;\n"
    "of check: 0 clean, 1 a violation, 3 inconclusive, 5 void; of every command: 2 bad input, 6\n"
    "this machine can't, 130 interrupted.\n"
    "Results go to results/local unless --output says otherwise. docs/ explains the rest.";

/// An option that names CPUs. An empty list is refused here: below it means that none was given.
void add_cpus_option(CLI::App& app, std::string& cpus, const std::string& help) {
  app.add_option("--cpus", cpus, help)->check([](const std::string& text) {
    return text.empty() ? "\"\" is not a list of CPUs, like 0-3,8" : "";
  });
}

void add_percent_option(CLI::App& app, const std::string& name, std::optional<double>& share,
                        const std::string& help) {
  app.add_option_function<double>(
         name, [&share](double percent) { share = percent / 100; }, help)
      ->check(CLI::Range(0.01, 100.0));
}

void add_measure_options(CLI::App& app, MeasureOptions& options) {
  add_cpus_option(
      app, options.cpus,
      "CPUs to use, the initiator's first, e.g. 0,2-5; also isolated ones (default: one "
      "thread of each core, placed by --place)");
  const std::map<std::string, Place> places{
      {"near", Place::kNear}, {"spread", Place::kSpread}, {"far", Place::kFar}};
  app.add_option("--place", options.placement.place,
                 "which CPUs respond first: those near the initiator, far from it, or spread over "
                 "the machine (near, far, spread; default: near)")
      ->transform(CLI::CheckedTransformer(places).description(""))
      ->excludes("--cpus");
  app.add_flag("--smt", options.placement.smt, "let further threads of a core respond, too")
      ->excludes("--cpus");
  app.add_option("--seed", options.overrides.seed,
                 "seed of every random order (default: drawn, and recorded)");
  app.add_option("--sessions", options.overrides.nr_sessions,
                 "separate sessions (a claim about the machine needs 8)")
      ->check(CLI::Range(1, 1000));
  app.add_option(
         "--session-gap", options.overrides.session_gap_s,
         "least seconds from one session's start to the next's (default: what a claim about "
         "the machine needs, from 8 sessions on)")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--min-seconds", options.overrides.min_seconds, "least time per cell and session")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--max-seconds", options.overrides.max_seconds, "most time per cell and session")
      ->check(CLI::Range(0.0, 86400.0));
  add_percent_option(app, "--width", options.overrides.width,
                     "half-width at which an interval is good enough, in percent (default: 3)");
  add_percent_option(app, "--equivalence", options.overrides.equivalence,
                     "difference that does not matter, in percent (default: 5)");
  app.add_option("--output", options.output, "result file (default: a new one in results/local)");
  app.add_flag("--dry-run", options.dry_run, "show what would be measured");
  app.add_flag("--json", options.as_json, "print the outcome as JSON");
}

void add_shape_options(CLI::App& app, ShapeOptions& shape) {
  app.add_option("--shape", shape.shape, "VMAsxPAGES or VMAsxPAGES+GAP")->capture_default_str();
  app.add_option("--responders", shape.responders, "how many other CPUs respond, or all")
      ->capture_default_str();
}

/// For bash: the commands, and each one's long options. After these, names of files.
std::string completion_of(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
    commands += command->get_name() + " ";
    std::string options;
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) options += "--" + name + " ";
    }
    cases += fmt::format("    {}) words='{}' ;;\n", command->get_name(), options);
  }
  return fmt::format(
      "_tlblab() {{\n"
      "  local words='' word=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  [ \"$COMP_CWORD\" != 1 ] || words='{}'\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "}}\n"
      "complete -o default -F _tlblab tlblab\n",
      cases, commands);
}

/// As roff wants it where lines stay as they are.
std::string roff(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins_line = i == 0 || text[i - 1] == '\n';
    if (begins_line && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\') {
      out += "\\e";
    } else if (text[i] == '-') {
      out += "\\-";
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A page for man(1): the help of every command.
std::string man_page_of(const CLI::App& app) {
  std::string page = fmt::format(
      ".TH TLBLAB 1 \"\" \"tlblab {}\"\n.SH NAME\ntlblab \\- the laboratory for TLB shootdowns\n"
      ".SH SYNOPSIS\n.B tlblab\nCOMMAND [OPTIONS]\n",
      tool_version());
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
    page += fmt::format(".SH {}\n.nf\n{}.fi\n", command->get_name(), roff(command->help("tlblab")));
  }
  return page;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version",
                          fmt::format("tlblab {} ({})", tool_version(), git_revision()));
    app_.footer(kFooter);
    app_.failure_message(CLI::FailureMessage::help);
    add_looking_commands();
    add_measuring_commands();
    add_check_command();
    add_report_commands();
    CLI::App* bystanders = app_.add_subcommand(kBystandersCommand, "")->group("");
    bystanders->callback([this] { action_ = [] { return run_bystanders(); }; });
    CLI::App* measure = app_.add_subcommand(kMeasureCommand, "")->group("");
    measure->callback([this] { action_ = run_measuring_process; });
    CLI::App* man = app_.add_subcommand("man", "print a page for man(1)");
    man->callback([this] {
      action_ = [this] {
        fmt::print("{}", man_page_of(app_));
        return static_cast<int>(ExitStatus::kOk);
      };
    });
    CLI::App* completion =
        app_.add_subcommand("completion", "print completion for bash; source <(tlblab completion)");
    completion->callback([this] {
      action_ = [this] {
        fmt::print("{}", completion_of(app_));
        return static_cast<int>(ExitStatus::kOk);
      };
    });
  }

  int run(int argc, char** argv) {
    measure_.argv.assign(argv, argv + argc);
    check_.argv = measure_.argv;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
      if (argc > 1 && argv[1][0] != '-' && app_.get_subcommands().empty()) {
        throw Error(ExitStatus::kUsage, fmt::format("there is no command \"{}\"", argv[1]),
                    "`tlblab --help` lists the commands.");
      }
      throw Error(ExitStatus::kUsage, error.what(),
                  "`tlblab --help` lists the commands, `tlblab COMMAND --help` their options.");
    }
    return action_();
  }

 private:
  void add_looking_commands() {
    CLI::App* info = app_.add_subcommand("info", "what this machine is and what can be counted");
    info->add_flag("--json", as_json_, "as JSON");
    info->callback([this] { action_ = [this] { return run_info(as_json_); }; });

    CLI::App* doctor = app_.add_subcommand("doctor", "what would disturb a run now");
    doctor->add_flag("--json", as_json_, "as JSON");
    add_cpus_option(*doctor, measure_.cpus, "CPUs to look at (default: all allowed)");
    doctor->add_option("--seconds", doctor_.seconds, "how long to look")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    doctor->callback([this] {
      action_ = [this] {
        doctor_.as_json = as_json_;
        if (!measure_.cpus.empty()) doctor_.cpus = parse_cpu_list(measure_.cpus);
        return run_doctor(doctor_);
      };
    });

    CLI::App* list = app_.add_subcommand("list", "engines, schemes and studies");
    list->add_flag("--json", as_json_, "as JSON");
    list->callback([this] { action_ = [this] { return run_list(as_json_); }; });
  }

  void add_measuring_commands() {
    CLI::App* run = app_.add_subcommand("run", "measure one scheme");
    run->add_option("SCHEME", a_, "as `tlblab list` names it")->required();
    add_shape_options(*run, shape_);
    add_measure_options(*run, measure_);
    run->add_flag("--hold", measure_.hold,
                  "perform it until Ctrl-C and record nothing: for perf record, bpftrace and the "
                  "like");
    run->callback([this] { action_ = [this] { return run_run(a_, shape_, measure_); }; });

    CLI::App* ab = app_.add_subcommand("ab", "scheme A against scheme B on one shape");
    ab->add_option("A", a_, "as `tlblab list` names it")->required();
    ab->add_option("B", b_, "likewise")->required();
    add_shape_options(*ab, shape_);
    add_measure_options(*ab, measure_);
    ab->callback([this] { action_ = [this] { return run_ab(a_, b_, shape_, measure_); }; });

    CLI::App* study =
        app_.add_subcommand("study", "a sweep from a file; goes on where an earlier run stopped");
    study->add_option("STUDY", a_, "a name from `tlblab list`, or a TOML file")->required();
    add_measure_options(*study, measure_);
    study->callback([this] { action_ = [this] { return run_study_command(a_, measure_); }; });
  }

  void add_check_command() {
    CLI::App* check = app_.add_subcommand(
        "check", "can a freed page still be reached, under any scheme of engine lab? (root)");
    check->add_option("--shape", check_.shape, "VMAsxPAGES or VMAsxPAGES+GAP")
        ->capture_default_str();
    check
        ->add_option("--schemes", check_.schemes,
                     "only these, as `tlblab list` names them, separated by spaces (default: all)")
        ->expected(1, CLI::detail::expected_max_vector_size);
    check->add_option("--seconds", check_.seconds, "time per scheme and load")
        ->check(CLI::Range(0.01, 86400.0))
        ->capture_default_str();
    check->add_option("--rounds", check_.rounds, "rounds per scheme and load, whatever they take")
        ->check(CLI::Range(1, 1000000000))
        ->excludes("--seconds");
    check->add_flag("--quick", check_.quick, fmt::format("the same as --seconds {}", kQuickSeconds))
        ->excludes("--seconds")
        ->excludes("--rounds");
    check->add_flag("--write", check_.write, "witnesses write to the pages, too");
    add_cpus_option(*check, check_.cpus,
                    "CPUs to use, the initiators' first (default: all allowed, by distance)");
    check->add_option("--output", check_.output,
                      "result file (default: a new one in results/local)");
    check->add_flag("--json", check_.as_json, "as JSON");
    check->add_flag("--defuse-faults", check_.defuse_faults)->group("");
    check->callback([this] { action_ = [this] { return run_check_command(check_); }; });
  }

  void add_report_commands() {
    CLI::App* report =
        app_.add_subcommand("report", "result files to a page, Markdown, mail or metrics");
    report
        ->add_option("FILE", report_.files,
                     "result files (.jsonl.zst; of early releases .jsonl, .jsonl.gz): those of one "
                     "plan are pooled, a check's stands in the studies' reports")
        ->required();
    report->add_option("--output", report_.output, "folder for the report (default: beside FILE)");
    CLI::Option* mail =
        report->add_flag("--mail", report_.mail, "print as mail text of 72 columns");
    CLI::Option* markdown =
        report->add_flag("--markdown", report_.markdown, "print as Markdown, without figures")
            ->excludes(mail);
    CLI::Option* openmetrics =
        report
            ->add_flag("--openmetrics", report_.openmetrics,
                       "print the numbers as OpenMetrics text, as Prometheus reads it")
            ->excludes(mail)
            ->excludes(markdown);
    report->add_flag("--json", report_.as_json, "print a summary as JSON; a list for several FILEs")
        ->excludes(mail)
        ->excludes(markdown)
        ->excludes(openmetrics);
    report->callback([this] { action_ = [this] { return run_report(report_); }; });

    CLI::App* table = app_.add_subcommand("export", "a result file as CSV, on standard output");
    const std::map<std::string, ExportTable> tables{{"trials", ExportTable::kTrials},
                                                    {"responders", ExportTable::kResponders},
                                                    {"counts", ExportTable::kCounts},
                                                    {"probes", ExportTable::kProbes}};
    table->add_option("FILE", export_.file, "a study's result file")->required();
    table
        ->add_option("--table", export_.table,
                     "which rows: trials, responders (of each trial), counts (of the counting "
                     "pass), probes (what victims lose; default: trials)")
        ->transform(CLI::CheckedTransformer(tables).description(""));
    table->callback([this] { action_ = [this] { return run_export(export_); }; });

    CLI::App* selftest = app_.add_subcommand(
        "selftest", "does the statistics err as rarely as it says? replays of recorded trials");
    selftest->add_option("FILE", selftest_.files,
                         "result files to take trials from (default: records here first)");
    selftest->add_option("--replays", selftest_.nr_replays, "relabelled replays per check")
        ->check(CLI::Range(statistics::kMinReplays, std::size_t{1'000'000}))
        ->capture_default_str();
    selftest->add_option("--seed", selftest_.seed, "seed of the relabelling")
        ->capture_default_str();
    selftest->add_flag("--json", selftest_.as_json, "as JSON");
    selftest->callback([this] { action_ = [this] { return run_selftest(selftest_); }; });
  }

  CLI::App app_{"tlblab: the laboratory for TLB shootdowns on Linux", "tlblab"};
  Action action_;
  bool as_json_ = false;
  std::string a_, b_;
  CheckOptions check_;
  DoctorOptions doctor_;
  ExportOptions export_;
  ShapeOptions shape_;
  MeasureOptions measure_;
  ReportOptions report_;
  SelftestOptions selftest_;
};

}  // namespace
}  // namespace tlblab

int main(int argc, char** argv) {
  tlblab::catch_interruptions();
  try {
    return tlblab::CommandLine().run(argc, argv);
  } catch (const tlblab::Error& error) {
    fmt::print(stderr, "tlblab: {}\n        {}\n", error.what(), error.advice());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "tlblab: unexpected: {}\n        This is a bug in tlblab; please report it "
               "with the command line.\n",
               error.what());
    return static_cast<int>(tlblab::ExitStatus::kMachine);
  }
}
