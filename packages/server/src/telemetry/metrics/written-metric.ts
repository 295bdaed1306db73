export interface MetricHead {
  name: string;
  help: string;
  kind: "gauge" | "counter";
}

/** A value under its labels, as {@link labelsText} writes them. */
export type Sample = readonly [labels: string, value: number];

/** Labels with their braces. */
export function labelsText(labels: Readonly<Record<string, string | number>>): string {
  const each = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return `{${each.join(",")}}`;
}

/** Values that are read when they are asked for, in Prometheus' text format. No help text here has anything to escape. */
export function metricText({ name, help, kind }: MetricHead, samples: readonly Sample[]): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
  for (const [labels, value] of samples) text += `${name}${labels} ${value}\n`;
  return text;
}

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
