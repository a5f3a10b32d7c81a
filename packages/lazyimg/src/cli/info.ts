import { type Image, orientationOf } from "@lazyimg/image";
import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { formatBytes, formatList, formatNumber, formatTraffic } from "./format.js";
import { type NiftiFacts, niftiFacts } from "./nifti-facts.js";
import { type Opened, open, SOURCE_OPTIONS } from "./open.js";

/** What `info --json` prints: stable, documented in the package's README. */
interface Info {
  readonly source: string;
  readonly backend: string | null;
  readonly shape: readonly number[];
  readonly spatialShape: readonly number[];
  readonly channels: number;
  readonly spacing: readonly number[];
  readonly origin: readonly number[];
  readonly orientation: string | null;
  readonly dtype: string;
  readonly valueDtype: string;
  readonly affine: readonly (readonly number[])[];
  readonly affineSource: string | null;
  readonly memory: number;
  readonly levels: readonly {
    readonly shape: readonly number[];
    readonly spacing: readonly number[];
    readonly bytes: number;
  }[];
  readonly nifti: NiftiFacts | null;
  readonly sizeOnDisk: number | null;
  readonly read: { readonly bytes: number; readonly requests: number } | null;
}

/** `null` where the affine is singular. */
function orientation({ affine }: Image): string | null {
  try {
    return orientationOf(affine);
  } catch {
    return null;
  }
}

async function infoOf(source: string, { image, backend, traffic, counted }: Opened): Promise<Info> {
  const { affine } = image;
  return {
    source,
    backend,
    shape: image.shape,
    spatialShape: image.spatialShape,
    channels: image.numChannels,
    spacing: image.spacing,
    origin: image.origin,
    orientation: orientation(image),
    dtype: image.dtype,
    valueDtype: image.valueDtype,
    affine: [0, 4, 8, 12].map((n) => affine.slice(n, n + 4)),
    affineSource: image.affineSource ?? null,
    memory: image.memory,
    levels: (image.dataobj.levels ?? []).map(({ shape, spacing, bytes }) => ({ shape, spacing, bytes })),
    nifti: niftiFacts(image.header),
    sizeOnDisk: backend === "nifti" ? await traffic.size() : null,
    read: counted ? { bytes: traffic.bytes, requests: traffic.requests } : null,
  };
}

type Row = readonly [label: string, text: string];

function niftiRows(facts: NiftiFacts): Row[] {
  const { scaling, units, intent, cal } = facts;
  const rows: [string, string | false][] = [
    [
      "header",
      `NIfTI-${facts.version}, ${facts.byteOrder}-endian${facts.singleFile ? "" : ", pair"}, dim (${facts.dim.join(", ")})`,
    ],
    ["units", (units.space !== "unknown" || units.time !== "unknown") && `${units.space}, ${units.time}`],
    ["TR", facts.repetitionTime !== null && `${formatNumber(facts.repetitionTime)} ${units.time}`],
    ["scaling", scaling !== null && `× ${formatNumber(scaling.slope)} + ${formatNumber(scaling.inter)}`],
    ["intent", intent !== null && `${intent.code} ${intent.name} ${formatList(intent.params)}`],
    ["cal", cal !== null && `${formatNumber(cal.min)} to ${formatNumber(cal.max)}`],
    ["description", facts.description !== "" && facts.description],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== false);
}

/** The affine's rows, its columns in line. */
function affineRows({ affine, affineSource }: Info): Row[] {
  // What rounding left of a zero is shown as one.
  const cells = affine.map((row) => row.map((value) => formatNumber(Math.abs(value) < 1e-12 ? 0 : value)));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row, n): Row => {
    const text = row.map((cell, column) => cell.padStart(widths[column]!)).join("  ");
    return [
      n === 0 ? "affine" : "",
      n === 0 && affineSource !== null ? `${text}   from ${affineSource}` : text,
    ];
  });
}

function rowsOf(info: Info): Row[] {
  const { sizeOnDisk, read, memory, dtype, valueDtype, levels } = info;
  const values = valueDtype === dtype ? "" : `, read as ${valueDtype}`;
  return [
    ["source", info.source],
    ...(info.backend === null ? [] : [["backend", info.backend] as const]),
    ["shape", `(${info.shape.join(", ")}), channels first`],
    ["spacing", `${formatList(info.spacing)} mm`],
    ["origin", `${formatList(info.origin)} mm`],
    ["orientation", info.orientation === null ? "none: the affine is singular" : `${info.orientation}+`],
    ["dtype", `${dtype}${values}`],
    ["memory", formatBytes(memory)],
    ...affineRows(info),
    ...levels.map(
      ({ shape, spacing, bytes }, n): Row => [
        n === 0 ? "levels" : "",
        `${n}: (${shape.join(", ")}), ${formatList(spacing)} mm, ${formatBytes(bytes)}`,
      ],
    ),
    ...(info.nifti === null ? [] : niftiRows(info.nifti)),
    ...(sizeOnDisk === null ? [] : [["on disk", formatBytes(sizeOnDisk)] as const]),
    ...(read === null ? [] : [["read", formatTraffic(read)] as const]),
  ];
}

export const info: Command = {
  summary: "say what is in an image, reading its header alone",
  operands: ["SRC"],
  options: { ...JSON_OUTPUT, ...SOURCE_OPTIONS },
  async run(args, context) {
    const source = args.operand("SRC");
    const opened = await open(source, args, context);
    try {
      const facts = await infoOf(source, opened);
      if (args.flag("json")) context.print(JSON.stringify(facts, null, 2));
      else for (const [label, text] of rowsOf(facts)) context.print(`${label.padEnd(12)} ${text}`);
    } finally {
      await opened.close();
    }
  },
};
