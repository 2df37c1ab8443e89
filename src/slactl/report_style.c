/*
 * What: how the report looks, on screen and on A4.
 *
 * Why this way: black on white with one dark blue; what colour says is said by a shape and a word too. Rows
 * and figures do not break across pages, and a table repeats its head.
 *
 * Always true: nothing is fetched.
 *
 * Not here: the patterns of parties (report_chart).
 */
#include "slactl/report_page.h"

const char *
report_style(void)
{
    static const char style[] =
        ":root { --ink: #111; --soft: #444; --line: #888; --blue: #1d3557; }\n"
        "* { box-sizing: border-box; }\n"
        "html { font: 10pt/1.35 \"Liberation Sans\", Arial, Helvetica, sans-serif; color: var(--ink); "
        "background: #fff; }\n"
        "body { max-width: 182mm; margin: 8mm auto; padding: 0 2mm; }\n"
        "h1 { font-size: 20pt; line-height: 1.15; margin: 0 0 2mm; color: var(--blue); overflow-wrap: "
        "anywhere; }\n"
        "h2 { font-size: 13pt; margin: 7mm 0 1mm; padding-top: 1.5mm; border-top: 0.6mm solid var(--blue); "
        "break-after: avoid; }\n"
        "h3 { font-size: 10.5pt; margin: 4mm 0 1mm; break-after: avoid; overflow-wrap: anywhere; }\n"
        "p { margin: 1mm 0 2mm; overflow-wrap: anywhere; }\n"
        "small { font-size: 8pt; color: var(--soft); }\n"
        ".says, .nothing, figcaption { color: var(--soft); font-size: 9pt; break-after: avoid; }\n"
        "a { color: inherit; }\n"
        "table { border-collapse: collapse; width: 100%; margin: 1.5mm 0 3mm; font-size: 9pt; }\n"
        "th, td { text-align: left; vertical-align: top; padding: 0.9mm 1.2mm; border-bottom: 0.2mm solid "
        "var(--line); }\n"
        "thead th { border-bottom: 0.5mm solid var(--ink); font-size: 8.5pt; vertical-align: bottom; "
        "}\n"
        "tbody th { font-weight: 600; }\n"
        "th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; }\n"
        "td, tbody th { overflow-wrap: anywhere; }\n"
        "td.n { white-space: nowrap; overflow-wrap: normal; }\n"
        "td.n small { display: block; white-space: normal; }\n"
        "ul { margin: 1mm 0 3mm; padding-left: 5mm; }\n"
        "li { break-inside: avoid; overflow-wrap: anywhere; }\n"
        "dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1mm 4mm; margin: 2mm 0 3mm; }\n"
        "dl div { break-inside: avoid; }\n"
        "dt { font-size: 8.5pt; color: var(--soft); }\n"
        "dd { margin: 0; font-weight: 600; }\n"
        "dd small { font-weight: 400; }\n"
        "time { white-space: nowrap; }\n"
        "figure { margin: 2mm 0; break-inside: avoid; break-after: avoid; }\n"
        ".trends svg { width: 32.5%; height: auto; }\n"
        "svg { vertical-align: middle; overflow: visible; }\n"
        "svg.defs { position: absolute; }\n"
        "svg .empty { fill: #fff; stroke: var(--soft); }\n"
        "svg .full { fill: #9fb4cf; }\n"
        "svg .mark { stroke: #000; stroke-width: 2; }\n"
        "svg .part { stroke: #000; stroke-width: 0.7; }\n"
        "svg .axis { stroke: var(--line); stroke-width: 0.6; }\n"
        "svg .target { stroke: #000; stroke-width: 1; stroke-dasharray: 4 2; }\n"
        "svg .joint { stroke: var(--blue); stroke-width: 1; }\n"
        "svg .whisker { stroke: var(--blue); stroke-width: 1.6; }\n"
        "svg .point { fill: var(--blue); }\n"
        "svg .hollow { fill: #fff; stroke: #000; stroke-width: 1.2; }\n"
        "svg text { font: 8px \"Liberation Sans\", Arial, Helvetica, sans-serif; fill: #111; }\n"
        "svg text.title { font-size: 9px; font-weight: 600; }\n"
        ".mark { white-space: normal; }\n"
        ".good { color: #0b4f2e; }\n"
        ".bad { color: #8b0000; font-weight: 600; }\n"
        ".unsure { color: #4a3a00; }\n"
        "@page { size: A4; margin: 14mm 14mm 16mm; }\n"
        "@media print {\n"
        "  body { max-width: none; margin: 0; padding: 0; }\n"
        "  tr, svg { break-inside: avoid; }\n"
        "  thead { display: table-header-group; }\n"
        "  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }\n"
        "}\n";

    return style;
}
