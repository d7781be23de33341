/** What this program runs on, for `hearth version` and reports: `node v24.21.0, linux x64`. */
export function runtime(): string {
  return `node ${process.version}, ${process.platform} ${process.arch}`;
}
