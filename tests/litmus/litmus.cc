// SPDX-License-Identifier: GPL-2.0-only
// Writes the litmus tests:
//   litmus FOLDER      one file for each, FOLDER/NAME.litmus, and FOLDER/tests: a line for each
//                      with its name, the verdict that is expected and what it is about, set
//                      apart by tabs
// Exit status: 0, or 2 when something is wrong with a scenario or the folder.
#include <fstream>
#include <set>
#include <string>

#include "tests/litmus/disassembly.hh"
#include "tests/litmus/mapping.hh"
#include "tests/litmus/scenarios.hh"

namespace tlblab::litmus {

namespace {

std::string comment(const Scenario& scenario) {
  std::string text = " " + scenario.about + "\n From: " + scenario.from +
                     "\n Expected: " + to_string(scenario.expected) +
                     (scenario.spoils.empty() ? "" : "; it is " + scenario.spoils + ", spoilt") +
                     "\n";
  return text +
         " Written by running that code on a platform that writes instructions down. Loads give "
         "what\n"
         " the path needs, which is part of the condition; locks, and words of one CPU, are left "
         "out.\n So this allows whatever the code allows, and perhaps more.\n";
}

void write_all(const std::string& folder) {
  std::ofstream list(folder + "/tests");
  std::set<std::string> unspoilt;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.expected == Verdict::kNever) unspoilt.insert(scenario.name);
    unspoilt.erase(scenario.spoils);
    std::ofstream file(folder + "/" + scenario.name + ".litmus");
    file << scenario.write().text(scenario.name, comment(scenario));
    if (!file.flush()) give_up(folder + " can't be written to");
    list << scenario.name << '\t' << to_string(scenario.expected) << '\t' << scenario.about << '\n';
  }
  if (!list.flush()) give_up(folder + " can't be written to");
  // "Never" may mean that the path can't be taken at all: a neighbour shows that it can.
  for (const std::string& name : unspoilt) give_up("nothing spoils " + name);
}

Disassembly read_dump(const std::string& path) {
  std::ifstream file(path);
  if (!file) give_up(path + " can't be read");
  return Disassembly(file);
}

int print(const std::vector<MappingCheck>& checks) {
  int status = 0;
  for (const MappingCheck& check : checks) {
    const bool is_good = check.fault.empty();
    std::printf("%s\t%s\t%s\n", is_good ? "good" : "bad", check.name.c_str(), check.fault.c_str());
    if (!is_good) status = 1;
  }
  return status;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 1 && !words[0].starts_with("-")) {
    write_all(words[0]);
    return 0;
  }
  if (words.size() >= 2 && words[0] == "--steps") {
    std::vector<Disassembly> objects;
    for (std::size_t i = 1; i < words.size(); ++i) objects.push_back(read_dump(words[i]));
    return print(check_steps(objects));
  }
  if (words.size() == 2 && words[0] == "--order") return print(check_order(read_dump(words[1])));
  give_up("usage: litmus FOLDER | --steps DUMP... | --order DUMP");
}

}  // namespace

}  // namespace tlblab::litmus

int main(int argc, char** argv) { return tlblab::litmus::run({argv + 1, argv + argc}); }
