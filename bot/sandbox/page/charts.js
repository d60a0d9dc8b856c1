// data_visualization: pie, bar, area and line as inline SVG, with the figures as a table for everybody who prefers them.
import { h, s, uid } from "./dom.js";

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const COLOURS = 12;

export function chart(block) {
  const spec = block.chart ?? {};
  const draw = { pie, bar: plot, line: plot, area: plot }[spec.type];
  if (!draw) return h("div.unknown", null, `Can't show chart type “${spec.type}”.`);
  const title = h("figcaption.chart-title", { id: uid("chart") }, block.title ?? "Chart");
  const canvas = h("div.chart-canvas");
  const figure = h(
    "figure.chart",
    { "aria-labelledby": title.id },
    title,
    canvas,
    legend(spec),
    figures(spec, block.title),
  );
  const paint = (width) =>
    canvas.replaceChildren(
      draw(spec, Math.max(260, Math.min(720, width)), `${block.title ?? "Chart"}. ${summary(spec)}`),
    );
  paint(480);
  // Drawn anew at the width it gets, so that letters keep their size on a narrow page.
  let drawn = 480;
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width && Math.abs(width - drawn) > 4) {
      drawn = width;
      paint(width);
    }
  }).observe(canvas);
  return figure;
}

const rowsOf = (spec) =>
  spec.type === "pie"
    ? { heads: ["", "Value"], rows: (spec.segments ?? []).map((segment) => [segment.label, segment.value]) }
    : {
        heads: [spec.axis_config?.x_label ?? "", ...(spec.series ?? []).map((series) => series.name)],
        rows: categories(spec).map((label) => [label, ...spec.series.map((series) => valueAt(series, label))]),
      };

const categories = (spec) =>
  spec.axis_config?.categories ?? [
    ...new Set((spec.series ?? []).flatMap((series) => series.data.map((point) => point.label))),
  ];
const valueAt = (series, label) => (series.data ?? []).find((point) => point.label === label)?.value ?? null;
const shown = (value) => (value === null ? "–" : number.format(value));

function summary(spec) {
  if (spec.type === "pie") {
    const total = spec.segments.reduce((sum, segment) => sum + segment.value, 0) || 1;
    return `Pie chart: ${spec.segments.map((segment) => `${segment.label} ${shown(segment.value)} (${Math.round((segment.value / total) * 100)}%)`).join(", ")}.`;
  }
  const name = { bar: "Bar chart", line: "Line chart", area: "Area chart" }[spec.type];
  return `${name}. ${spec.series
    .map(
      (series) =>
        `${series.name}: ${categories(spec)
          .map((label) => `${label} ${shown(valueAt(series, label))}`)
          .join(", ")}`,
    )
    .join(". ")}.`;
}

function legend(spec) {
  const names =
    spec.type === "pie"
      ? (spec.segments ?? []).map((segment) => segment.label)
      : (spec.series ?? []).map((series) => series.name);
  return h(
    "ul.legend",
    { "aria-hidden": "true" },
    names.map((name, index) =>
      h(
        "li",
        null,
        s(
          "svg",
          { viewBox: "0 0 12 12", class: "legend-key" },
          spec.type === "line"
            ? marker(index, 6, 6, 4.5)
            : s("rect", { width: 12, height: 12, rx: 2.5, class: `c${index % COLOURS}` }),
        ),
        name,
      ),
    ),
  );
}

function figures(spec, title) {
  const { heads, rows } = rowsOf(spec);
  return h(
    "details.chart-figures",
    null,
    h("summary", null, "Show the figures"),
    h(
      "div.scroll-x",
      { role: "region", tabindex: "0", "aria-label": `Figures: ${title ?? "chart"}` },
      h(
        "table.grid",
        null,
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            heads.map((head) => h("th", { scope: "col" }, head)),
          ),
        ),
        h(
          "tbody",
          null,
          rows.map(([label, ...values]) =>
            h(
              "tr",
              null,
              h("th", { scope: "row" }, label),
              values.map((value) => h("td.align-end", null, shown(value))),
            ),
          ),
        ),
      ),
    ),
  );
}

const svg = (width, height, label, ...children) =>
  s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "chart-svg" },
    ...children,
  );

function pie(spec, width, label) {
  const size = Math.min(width, 240);
  const r = size / 2 - 6;
  const total = spec.segments.reduce((sum, segment) => sum + Math.max(0, segment.value), 0);
  if (!total)
    return svg(width, 60, label, s("text", { x: 8, y: 34, class: "tick" }, "Nothing to show: every value is 0."));
  let turn = -Math.PI / 2;
  const slices = spec.segments.flatMap((segment, index) => {
    const angle = (Math.max(0, segment.value) / total) * Math.PI * 2;
    const [from, to, middle] = [turn, turn + angle, turn + angle / 2];
    turn = to;
    const at = (theta, radius) =>
      `${(width / 2 + Math.cos(theta) * radius).toFixed(2)} ${(size / 2 + Math.sin(theta) * radius).toFixed(2)}`;
    const shape =
      angle >= Math.PI * 2 - 1e-6
        ? s(
            "circle",
            { cx: width / 2, cy: size / 2, r, class: `c${index % COLOURS} slice` },
            s("title", null, segment.label),
          )
        : s(
            "path",
            {
              d: `M${width / 2} ${size / 2}L${at(from, r)}A${r} ${r} 0 ${angle > Math.PI ? 1 : 0} 1 ${at(to, r)}Z`,
              class: `c${index % COLOURS} slice`,
            },
            s("title", null, `${segment.label}: ${shown(segment.value)}`),
          );
    const percent = Math.round((segment.value / total) * 100);
    const [x, y] = at(middle, r * 0.66).split(" ");
    return [
      shape,
      percent >= 6
        ? s(
            "g",
            { class: "slice-label" },
            s("rect", { x: x - 18, y: y - 10, width: 36, height: 20, rx: 10 }),
            s("text", { x, y: Number(y) + 4.5 }, `${percent}%`),
          )
        : null,
    ];
  });
  return svg(width, size, label, ...slices.sort((a, b) => Number(a?.tagName === "g") - Number(b?.tagName === "g")));
}

/** Round steps between the smallest and the largest value; zero is always on the axis. */
function scale(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const [bottom, top] = [Math.floor(low / step) * step, Math.ceil(high / step) * step || step];
  const ticks = Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, index) => bottom + index * step);
  return { bottom, top, ticks };
}

const shorten = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function plot(spec, width, label) {
  const labels = categories(spec);
  const series = spec.series ?? [];
  const { bottom, top, ticks } = scale(series.flatMap((one) => labels.map((name) => valueAt(one, name) ?? 0)));
  const longest = Math.max(0, ...labels.map((name) => name.length));
  const left =
    16 + Math.max(...ticks.map((tick) => number.format(tick).length)) * 7 + (spec.axis_config?.y_label ? 16 : 0);
  const slot = (width - left - 12) / Math.max(1, labels.length);
  const slanted = longest * 6.4 > slot - 4;
  const foot = (slanted ? Math.min(104, 18 + Math.min(longest, 21) * 3.7) : 24) + (spec.axis_config?.x_label ? 18 : 0);
  const height = 218 + foot;
  const head = 20; // a bar of full height has its figure above it
  const y = (value) => head + (1 - (value - bottom) / (top - bottom)) * (height - head - foot);
  const x = (index) => left + slot * (index + 0.5);
  const frame = { labels, series, slot, x, y, base: y(Math.max(bottom, Math.min(top, 0))) };
  const draw = { bar: bars, line: lines, area: areas }[spec.type];
  return svg(
    width,
    height,
    label,
    ...ticks.flatMap((tick) => [
      s("line", { x1: left, x2: width - 8, y1: y(tick), y2: y(tick), class: tick === 0 ? "axis" : "gridline" }),
      s("text", { x: left - 6, y: y(tick) + 4, class: "tick tick-end" }, number.format(tick)),
    ]),
    ...labels.map((name, index) =>
      s(
        "text",
        slanted
          ? {
              x: x(index) + 4,
              y: y(bottom) + 14,
              class: "tick tick-end",
              transform: `rotate(-36 ${x(index) + 4} ${y(bottom) + 14})`,
            }
          : { x: x(index), y: y(bottom) + 18, class: "tick tick-middle" },
        shorten(name, 21),
      ),
    ),
    spec.axis_config?.x_label
      ? s(
          "text",
          { x: (left + width) / 2, y: height - 3, class: "tick tick-middle axis-label" },
          spec.axis_config.x_label,
        )
      : null,
    spec.axis_config?.y_label
      ? s(
          "text",
          {
            x: 11,
            y: (height - foot) / 2,
            class: "tick tick-middle axis-label",
            transform: `rotate(-90 11 ${(height - foot) / 2})`,
          },
          spec.axis_config.y_label,
        )
      : null,
    ...draw(frame),
  );
}

function bars({ labels, series, slot, x, y, base }) {
  const wide = Math.min(48, (slot * 0.72) / series.length);
  return series.flatMap((one, index) =>
    labels.flatMap((name, at) => {
      const value = valueAt(one, name);
      if (value === null) return [];
      const left = x(at) - (wide * series.length) / 2 + wide * index;
      const [from, to] = [Math.min(base, y(value)), Math.max(base, y(value))];
      const bar = s(
        "rect",
        {
          x: left + 1,
          y: from,
          width: Math.max(2, wide - 2),
          height: Math.max(1, to - from),
          rx: 2,
          class: `c${index % COLOURS}`,
        },
        s("title", null, `${one.name}, ${name}: ${shown(value)}`),
      );
      const words =
        wide >= 22
          ? s(
              "text",
              { x: left + wide / 2, y: value < 0 ? to + 12 : from - 4, class: "tick tick-middle" },
              shown(value),
            )
          : null;
      return [bar, words];
    }),
  );
}

/** Runs of points without gaps, as [index of the category, value]. */
function runs(one, labels) {
  const found = [[]];
  labels.forEach((name, at) => {
    const value = valueAt(one, name);
    if (value === null) found.push([]);
    else found.at(-1).push([at, value]);
  });
  return found.filter((run) => run.length);
}

const DASHES = [null, "7 4", "2 3", "9 3 2 3", "4 4", "12 4"];

/** Series differ in shape as well as in colour. */
function marker(index, cx, cy, r) {
  const cls = `c${index % COLOURS} point`;
  if (index % 3 === 1)
    return s("rect", { x: cx - r * 0.9, y: cy - r * 0.9, width: r * 1.8, height: r * 1.8, class: cls });
  if (index % 3 === 2)
    return s("path", { d: `M${cx} ${cy - r * 1.2}L${cx + r * 1.2} ${cy + r}L${cx - r * 1.2} ${cy + r}Z`, class: cls });
  return s("circle", { cx, cy, r, class: cls });
}

function lines({ labels, series, x, y }) {
  return series.flatMap((one, index) =>
    runs(one, labels).flatMap((run) => [
      s("path", {
        d: run.map(([at, value], i) => `${i ? "L" : "M"}${x(at)} ${y(value)}`).join(""),
        class: `k${index % COLOURS} line`,
        "stroke-dasharray": DASHES[index % DASHES.length],
      }),
      ...run.map(([at, value]) =>
        fillTitle(marker(index, x(at), y(value), 4), `${one.name}, ${labels[at]}: ${shown(value)}`),
      ),
    ]),
  );
}

function fillTitle(node, text) {
  node.append(s("title", null, text));
  return node;
}

function areas({ labels, series, x, y, base }) {
  return series.flatMap((one, index) =>
    runs(one, labels).flatMap((run) => {
      const ridge = run.map(([at, value], i) => `${i ? "L" : "M"}${x(at)} ${y(value)}`).join("");
      return [
        s(
          "path",
          { d: `${ridge}L${x(run.at(-1)[0])} ${base}L${x(run[0][0])} ${base}Z`, class: `c${index % COLOURS} area` },
          s("title", null, one.name),
        ),
        s("path", { d: ridge, class: `k${index % COLOURS} line` }),
      ];
    }),
  );
}
