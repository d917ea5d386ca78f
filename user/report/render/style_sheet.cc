// SPDX-License-Identifier: GPL-2.0-only
// How the HTML report looks. Colours are Okabe and Ito's blue and vermilion (legible to
// colour-blind readers), lightened in the dark; every meaning a colour has is also written in
// words.
#include "user/report/render/html.hh"

namespace tlblab::report {

std::string_view style_sheet() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --raised: #f4f5f4; --ink: #1c1e21; --muted: #596068; --grid: #dcdfe3;
  --arm-a: #0072b2; --arm-b: #d55e00; --arm-a-text: #00609a; --arm-b-text: #a94700;
  --accent: #00795c; --alarm: #b3123b; --alarm-paper: #fbe9ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --raised: #1c2024; --ink: #e4e6e8; --muted: #9da5ad; --grid: #343a41;
    --arm-a: #56b4e9; --arm-b: #ff9a4d; --arm-a-text: #7cc5f0; --arm-b-text: #ffb27a;
    --accent: #46c8a4; --alarm: #ff8fa3; --alarm-paper: #3a1a22;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 72rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
p, li { max-width: 46rem; }
p { margin: 0.5rem 0; }
header { margin-bottom: 2.5rem; }
.kicker { color: var(--muted); letter-spacing: 0.02em; margin: 0; }
.question { color: var(--muted); font-size: 1.1rem; margin: 1.2rem 0 0.4rem; }
h1 { font-size: clamp(1.25rem, 0.95rem + 1.2vw, 1.6rem); line-height: 1.4; font-weight: 600;
     max-width: 56rem; margin: 0 0 1rem; text-wrap: pretty; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 3.2rem 0 0.6rem; padding-top: 0.9rem;
     border-top: 1px solid var(--grid); }
h3 { font-size: 1rem; line-height: 1.4; margin: 0 0 0.3rem; }
a { color: inherit; }
.notices { list-style: none; margin: 1rem 0; padding: 0; }
.notices li { border-left: 3px solid var(--accent); padding: 0.15rem 0 0.15rem 0.8rem;
              margin: 0.5rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr));
         gap: 1.2rem 2rem; margin: 1.8rem 0 0; }
.facts dt { color: var(--muted); font-size: 0.9375rem; }
.facts dd { margin: 0; }
.facts .value { font-size: 1.15rem; font-weight: 600; line-height: 1.4; }
.caveats { margin: 1.5rem 0 0; max-width: 60rem; }
.caveats div { display: grid; grid-template-columns: 8.5rem 1fr; gap: 1rem; padding: 0.3rem 0;
  border-top: 1px solid var(--grid); }
.caveats dt { color: var(--muted); }
.caveats dd { margin: 0; overflow-wrap: anywhere; }
.facts .note { color: var(--muted); font-size: 0.9375rem; line-height: 1.4; }

figure { margin: 1.4rem 0 2rem; }
.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem 2rem; }
.pictures.single { grid-template-columns: minmax(0, 36rem); }
.picture-title { font-size: 0.9375rem; color: var(--muted); margin: 0.4rem 0 0.2rem; }
.small { border-top: 1px solid var(--grid); padding-top: 1rem; }
.multiples { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2.5rem; }
.multiples .pictures { gap: 0.5rem 1rem; }
.multiples .pictures.single { grid-template-columns: minmax(0, 20rem); }
.multiples figure { margin: 1rem 0; }
svg.plot { display: block; width: 100%; height: auto; font-family: inherit; }
figcaption { color: var(--muted); font-size: 0.9375rem; max-width: 46rem; margin-top: 0.5rem; }
.key { display: flex; flex-wrap: wrap; gap: 0.15rem 1.4rem; list-style: none; margin: 0.4rem 0;
       padding: 0; font-size: 0.9375rem; }
.key li { display: flex; align-items: center; gap: 0.5rem; overflow-wrap: anywhere; }
.key svg { width: 2.4rem; height: 0.8rem; flex: none; }

.scroll { overflow-x: auto; margin: 0.8rem 0 1.4rem; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.9375rem; line-height: 1.45; }
th, td { padding: 0.28rem 1.1rem 0.28rem 0; text-align: left; vertical-align: baseline; }
th { font-weight: inherit; }
thead th { color: var(--muted); border-bottom: 1px solid var(--muted); vertical-align: bottom; }
.n { text-align: right; white-space: nowrap; }
thead .n { white-space: normal; min-width: 6rem; }
tbody th { white-space: nowrap; }
.wide tbody th, .wide thead th:first-child { position: sticky; left: 0; background: var(--paper); }
tr.group > * { border-top: 1px solid var(--grid); }
tr.strong > * { background: var(--raised); }
tr.strong > th { font-weight: 600; }
.wide tbody tr.strong > th { background: var(--raised); }
.wide td.text { white-space: nowrap; max-width: none; }
td.text { max-width: 34rem; }
.facts-table tbody th { white-space: normal; min-width: 8rem; max-width: 16rem;
                        color: var(--muted); }
.facts-table td.text { overflow-wrap: anywhere; max-width: 46rem; }
.muted { color: var(--muted); }
.arm-a, .arm-b, .alarm { font-weight: 600; white-space: nowrap; }
.arm-a { color: var(--arm-a-text); }
.arm-b { color: var(--arm-b-text); }
.alarm { color: var(--alarm); background: var(--alarm-paper); padding: 0 0.35rem;
         border-radius: 0.2rem; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; color: var(--muted); }
summary:hover { color: var(--ink); }
pre { background: var(--raised); padding: 0.8rem 1rem; white-space: pre-wrap;
      overflow-wrap: anywhere; font-size: 0.9375rem; border-radius: 0.3rem; }
pre span { display: inline-block; max-width: 100%; }
code {
  font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
footer { color: var(--muted); margin-top: 3rem; border-top: 1px solid var(--grid);
         padding-top: 0.9rem; font-size: 0.9375rem; }

@media (max-width: 43.75rem) {
  body { padding: 1.4rem 1rem 3rem; }
  .pictures, .multiples { grid-template-columns: minmax(0, 1fr); }
  .facts { grid-template-columns: 1fr; gap: 0.9rem; }
  .caveats div { grid-template-columns: 1fr; gap: 0.1rem; }
  h2 { margin-top: 2.4rem; }
  .plain tbody th { white-space: normal; min-width: 9rem; }
  .plain td.text { min-width: 13rem; }
}
@media print {
  :root { --paper: #fff; --raised: #f4f4f4; --ink: #000; --muted: #444; --grid: #ccc;
          --arm-a: #0072b2; --arm-b: #d55e00; --arm-a-text: #00609a; --arm-b-text: #a94700;
          --accent: #00795c; --alarm: #b3123b; --alarm-paper: #fff; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
}
)css";
}

}  // namespace tlblab::report
