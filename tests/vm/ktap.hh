// SPDX-License-Identifier: GPL-2.0-only
// A test harness for guests: no library, one static program, KTAP on stdout.
//
// A test is a function registered by TEST(name). EXPECT_* note a failure and go on; REQUIRE_* leave
// the test. Each test should be independent of the others: any of them can be run alone by name.
#pragma once

#include <sstream>
#include <string>

namespace tlblab::vm {

using TestFunction = void (*)();

/// Adds a test to the list; for static objects. Returns true.
bool register_test(const char* name, TestFunction function);

/// Fails the running test. Thread-safe.
void fail(const char* file, int line, const std::string& what);

/// Marks the running test as skipped, for a machine that lacks something.
void skip(const std::string& why);

/// Thrown by REQUIRE_*; caught by run_tests().
struct TestAborted {};

/// Runs the tests whose names contain one of the arguments; without any, all. An argument that
/// begins with '-' leaves tests out. Returns 0 if all passed.
int run_tests(int argc, char** argv);

/// What a failed comparison prints.
template <class A, class B>
std::string compare_text(const char* left, const char* right, const A& a, const B& b) {
  std::ostringstream out;
  out << left << " is " << a << ", not " << right << " = " << b;
  return out.str();
}

}  // namespace tlblab::vm

#define TEST(name)                                       \
  static void name();                                    \
  [[maybe_unused]] static const bool name##_registered = \
      ::tlblab::vm::register_test(#name, &(name));       \
  static void name()

#define EXPECT_TRUE(condition) \
  ((condition) ? (void)0 : ::tlblab::vm::fail(__FILE__, __LINE__, #condition " does not hold"))

#define EXPECT_COMPARED(a, operation, b)                                               \
  do {                                                                                 \
    const auto left_value = (a);                                                       \
    const auto right_value = (b);                                                      \
    if (!(left_value operation right_value)) {                                         \
      ::tlblab::vm::fail(                                                              \
          __FILE__, __LINE__,                                                          \
          ::tlblab::vm::compare_text(#a, #operation " " #b, left_value, right_value)); \
    }                                                                                  \
  } while (false)
#define EXPECT_EQ(a, b) EXPECT_COMPARED(a, ==, b)
#define EXPECT_LE(a, b) EXPECT_COMPARED(a, <=, b)
#define EXPECT_GE(a, b) EXPECT_COMPARED(a, >=, b)

#define REQUIRE_EQ(a, b)                                                                     \
  do {                                                                                       \
    const auto left_required = (a);                                                          \
    const auto right_required = (b);                                                         \
    if (!(left_required == right_required)) {                                                \
      ::tlblab::vm::fail(__FILE__, __LINE__,                                                 \
                         ::tlblab::vm::compare_text(#a, #b, left_required, right_required)); \
      throw ::tlblab::vm::TestAborted{};                                                     \
    }                                                                                        \
  } while (false)
