// SPDX-License-Identifier: GPL-2.0-only
// Figures: what is drawn, and that gnuplot can neither be misled nor missed without notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "tests/unit/report_fixture.hh"
#include "user/report/draw/figures.hh"
#include "user/report/draw/sweep.hh"
#include "user/support/error.hh"

namespace tlblab::report {
namespace {

std::size_t nr_pictures(const std::vector<Figure>& figures, FigureSlot slot) {
  std::size_t sum = 0;
  for (const Figure& figure : figures) {
    if (figure.slot == slot) sum += figure.pictures.size();
  }
  return sum;
}

/// PATH for the length of a test.
class PathIs {
 public:
  explicit PathIs(const char* path) : before_(std::getenv("PATH")) { setenv("PATH", path, 1); }
  ~PathIs() { setenv("PATH", before_.c_str(), 1); }
  PathIs(const PathIs&) = delete;
  PathIs& operator=(const PathIs&) = delete;

 private:
  std::string before_;
};

TEST(ReportFigures, OnePairPerShapeTheHeadlineFirst) {
  const StudyResult study = fixture::study(8);
  const std::vector<Sweep> sweeps = vma_sweeps(study);
  ASSERT_EQ(sweeps.size(), 4U) << "munmap at 4, 1 and 16 pages, madvise at 4";
  EXPECT_EQ(sweeps[0].cells.front()->plan.shape.pages_per_vma, 4U);
  EXPECT_EQ(sweeps[0].cells.size(), 7U);
  EXPECT_EQ(sweeps[0].controls.size(), 7U);
  EXPECT_TRUE(sweeps[3].controls.empty());
  for (const CellResult* cell : sweeps[0].cells) EXPECT_EQ(cell->plan.nr_responders, 1U);

  const std::vector<Figure> figures = draw_figures(study).on_page;
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kMain), 8U);
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kSessions), 2U);
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kDistribution), 2U);
  EXPECT_FALSE(figures.front().small);
  EXPECT_TRUE(std::any_of(figures.front().key.begin(), figures.front().key.end(),
                          [](const KeyEntry& entry) { return entry.control; }));
}

/// Cells that differ in what responds are no sweep: no line joins them, in no panel.
TEST(ReportFigures, CellsOfOneShapeAreNotJoined) {
  StudyResult study = fixture::frame(2);
  for (const unsigned responders : {0U, 1U}) {
    study.cells.push_back(fixture::invented_cell("syscall/munmap:per-vma", "syscall/munmap:merged",
                                                 {16, 1, 1}, responders, 2));
  }
  const Sweep sweep = vma_sweeps(study).front();
  EXPECT_EQ(sweep.along, Along::kCells);
  const Labels labels(study);
  for (const Panel& panel :
       {ratio_panel(sweep, study.plan.criteria), latency_panel(sweep, labels)}) {
    for (const Series& series : panel.series) {
      EXPECT_TRUE(series.points.empty() || series.stroke == Stroke::kPoints) << series.name;
    }
  }
  const StudyResult swept = fixture::study(2);
  EXPECT_NE(ratio_panel(vma_sweeps(swept).front(), swept.plan.criteria).series.front().stroke,
            Stroke::kPoints);
}

TEST(ReportFigures, ManyRespondersGetASweepOfTheirOwn) {
  EXPECT_EQ(responder_sweep(fixture::many_responders()).cells.size(), 7U);
  EXPECT_TRUE(responder_sweep(fixture::study(2)).cells.empty()) << "R 0 and 1 only";
}

TEST(ReportFigures, EveryPictureSpeaksAndFollowsTheTheme) {
  for (const StudyResult& study :
       {fixture::study(2), fixture::single_cell(), fixture::many_responders()}) {
    for (const Figure& figure : draw_figures(study).on_page) {
      for (const Picture& picture : figure.pictures) {
        EXPECT_NE(picture.svg.find("viewBox"), std::string::npos);
        EXPECT_NE(picture.svg.find("<title"), std::string::npos);
        EXPECT_NE(picture.svg.find("<desc"), std::string::npos);
        EXPECT_NE(picture.svg.find("var(--"), std::string::npos);
        EXPECT_EQ(picture.svg.find("rgb("), std::string::npos) << "a colour outside the theme";
        EXPECT_EQ(picture.svg.find("gnuplot"), std::string::npos);
        EXPECT_EQ(picture.svg.find("nan"), std::string::npos);
      }
    }
  }
}

TEST(ReportFigures, ALineIsDrawnPerScheme) {
  const std::string svg = draw_figures(fixture::study(2)).on_page.front().pictures.front().svg;
  EXPECT_NE(svg.find("var(--arm-a)"), std::string::npos);
  EXPECT_NE(svg.find("var(--arm-b)"), std::string::npos);
  EXPECT_NE(svg.find("stroke-dasharray"), std::string::npos) << "the R = 0 control";
}

TEST(ReportFigures, AnEmulatedStudyGetsCountsOnly) {
  const StudyResult study = fixture::emulated();
  const std::vector<Figure> figures = draw_figures(study).on_page;
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kMain), 4U);
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kSessions), 0U);
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kDistribution), 0U);
  EXPECT_EQ(draw_figures(study).standalone.find("latency"), std::string::npos);
}

TEST(ReportFigures, WithoutCountersTheRespondersOwnClocksAreUsedButNotUnderEmulation) {
  StudyResult study = fixture::single_cell();
  study.cells.front().interrupts_source.clear();
  const Sweep sweep = vma_sweeps(study).front();
  EXPECT_NE(interrupt_panel(sweep, Labels(study), false).what.find("own clocks"),
            std::string::npos);
  EXPECT_TRUE(interrupt_panel(sweep, Labels(study), true).what.empty());
}

TEST(ReportFigures, ZeroHasAPlaceOnALogScale) {
  const Axis axis = count_axis({0, 4, 16});
  EXPECT_GT(axis.zero_at, 0);
  EXPECT_LT(axis.zero_at, 4);
  EXPECT_GE(axis.zero_at, axis.low);
  EXPECT_EQ(count_axis({4, 16}).zero_at, 0);
  StudyResult study = fixture::single_cell();  // a machine that broadcasts in hardware
  for (ArmResult* arm : {&study.cells.front().a, &study.cells.front().b}) {
    arm->responder_counts["TLB"].mean = 0;
  }
  EXPECT_NO_THROW(draw_figures(study));
}

TEST(ReportFigures, AxesHoldTheirValuesAndName) {
  const Axis time = log_time_axis({3e3, 7e5});
  EXPECT_LE(time.low, 3e3);
  EXPECT_GE(time.high, 7e5);
  EXPECT_GE(time.ticks.size(), 3U);
  EXPECT_LE(time.ticks.size(), 9U);
  const Axis flat = time_axis({5e3, 5e3, std::nan("")});
  EXPECT_LT(flat.low, flat.high);
  const Axis vmas = doubling_axis({64, 1, 2, 4, 8, 16, 32, 16});
  EXPECT_EQ(vmas.ticks.size(), 7U);
  EXPECT_EQ(vmas.ticks.front().second, "1");
  const Axis crowded = doubling_axis({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  EXPECT_LT(crowded.ticks.size(), 12U);
  const Axis ratios = ratio_axis({0.4, 1, 7});
  EXPECT_TRUE(std::any_of(ratios.ticks.begin(), ratios.ticks.end(),
                          [](const auto& tick) { return tick.second == "1×"; }));
}

TEST(ReportFigures, NothingToDrawIsNoError) {
  EXPECT_TRUE(draw_figures(fixture::empty()).on_page.empty());
  EXPECT_TRUE(draw_figures(fixture::empty()).standalone.empty());
  const std::vector<Figure> figures = draw_figures(fixture::nothing_usable()).on_page;
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kMain), 2U);
  EXPECT_EQ(nr_pictures(figures, FigureSlot::kSessions), 0U);
  const std::string& latency = figures.front().pictures.front().svg;
  EXPECT_NE(latency.find("no usable value"), std::string::npos);
  EXPECT_EQ(latency.find(" ns"), std::string::npos) << "no scale is invented";
  StudyResult study = fixture::single_cell();
  study.cells.front().blocks.clear();
  study.cells.front().ecdf = {};
  EXPECT_NO_THROW(draw_figures(study));
}

TEST(ReportFigures, AFileOfItsOwnHasPaperAndNoVariables) {
  const std::string svg = draw_figures(fixture::study(2)).standalone;
  EXPECT_EQ(svg.rfind("<svg xmlns=", 0), 0U);
  EXPECT_EQ(svg.find("var(--"), std::string::npos);
  EXPECT_NE(svg.find("fill=\"#ffffff\""), std::string::npos);
  EXPECT_NE(svg.find("munmap:per-vma, 1 responder"), std::string::npos) << "its key";
}

TEST(ReportFigures, ASchemeNameIsNoCommand) {
  const std::filesystem::path trap =
      std::filesystem::path(testing::TempDir()) / "tlblab-figure-trap";
  std::filesystem::remove(trap);
  const std::string command = "touch " + trap.string();
  for (const std::string& name : {"x'\nsystem('" + command + "')\n'", "x`" + command + "`",
                                  "x'; !" + command, std::string("x\\")}) {
    StudyResult study = fixture::single_cell();
    CellResult& cell = study.cells.front();
    cell.plan.a = cell.a.scheme = name;
    EXPECT_NO_THROW(draw_figures(study)) << name;
    EXPECT_FALSE(std::filesystem::exists(trap)) << name;
  }
}

TEST(ReportFigures, AMissingGnuplotIsSaidWithItsCure) {
  const PathIs nowhere("/nonexistent");
  try {
    draw_figures(fixture::single_cell());
    FAIL() << "gnuplot was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kMachine);
    EXPECT_NE(error.advice().find("apt-get install gnuplot-nox"), std::string::npos);
  }
}

TEST(ReportFigures, AScriptThatGnuplotRefusesIsAnError) {
  const std::vector<Canvas> canvas{{100, 100, "plot nonsense("}};
  try {
    draw(canvas);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("gnuplot failed: ", 0), 0U) << error.what();
  }
}

}  // namespace
}  // namespace tlblab::report
