/** A card's files: what is taken, what is passed over, what its counter lacks.  Only reads. */

/** What cameras and recorders write (client_sdk/_capturing.py). */
const TYPES = {
  heic: "image/heic", heif: "image/heif", avif: "image/avif", webp: "image/webp",
  jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", tif: "image/tiff", tiff: "image/tiff",
  dng: "image/x-adobe-dng", nef: "image/x-nikon-nef", cr2: "image/x-canon-cr2",
  cr3: "image/x-canon-cr3", arw: "image/x-sony-arw", mp4: "video/mp4", m4v: "video/mp4",
  mov: "video/quicktime", avi: "video/x-msvideo", mkv: "video/x-matroska", webm: "video/webm",
  mts: "video/mp2t", m2ts: "video/mp2t", "3gp": "video/3gpp", mp3: "audio/mpeg", m4a: "audio/mp4",
  aac: "audio/aac", wav: "audio/wav", ogg: "audio/ogg", opus: "audio/ogg", amr: "audio/amr",
  wma: "audio/x-ms-wma", flac: "audio/flac", pdf: "application/pdf",
};
const MEDIA = { image: "photo", video: "video", audio: "audio" };
const SYSTEM = new Set(["system volume information", "$recycle.bin", "lost.dir", "found.000"]);
const COUNTER = /^(.*?)([0-9]{3,6})\.[^.]+$/s;
const GAP_MAX = 1000;

/** @typedef {{place: string, relative: string, name: string, size: number, mtime: number,
 *   mime: string, media: string, file: File}} CardFile */

/** Files that somebody chose. @param {Iterable<File>} files */
export function listed(files) {
  return sorted([...files].map((file) => [file.webkitRelativePath || file.name, file]));
}

/** Files below a folder that somebody chose. @param {any} folder FileSystemDirectoryHandle */
export async function walked(folder) {
  /** @type {[string, File][]} */
  const found = [];
  /** @param {any} handle @param {string} path */
  async function walk(handle, path) {
    for await (const [name, entry] of handle.entries()) {
      if (entry.kind === "directory") await walk(entry, `${path}${name}/`);
      else found.push([path + name, await entry.getFile()]);
    }
  }
  await walk(folder, "");
  return sorted(found);
}

/** @param {[string, File][]} found @returns {{files: CardFile[], passedOver: string[]}} */
function sorted(found) {
  /** @type {CardFile[]} */
  const files = [];
  /** @type {string[]} */
  const passedOver = [];
  for (const [path, file] of found) {
    const parts = path.split("/");
    if (parts.some((part) => part.startsWith(".") || SYSTEM.has(part.toLowerCase()))) continue;
    const ending = (/\.([^.]+)$/.exec(file.name)?.[1] ?? "").toLowerCase();
    const mime = TYPES[/** @type {keyof typeof TYPES} */ (ending)];
    if (mime === undefined) passedOver.push(path);
    else files.push(cardFile(path, file, mime));
  }
  files.sort((a, b) => a.mtime - b.mtime || (a.relative < b.relative ? -1 : 1));
  return { files, passedOver };
}

/** @param {string} relative @param {File} file @param {string} mime @returns {CardFile} */
function cardFile(relative, file, mime) {
  const kind = mime.split("/")[0];
  return {
    place: `${relative}\0${file.size}\0${file.lastModified}`,
    relative, name: file.name.toWellFormed(), size: file.size, mtime: file.lastModified, mime,
    media: MEDIA[/** @type {keyof typeof MEDIA} */ (kind)] ?? "document", file,
  };
}

/** Numbers missing between files of a folder. @param {string[]} names
 * @returns {[string, string][]} pairs of the files around a gap */
export function counterGaps(names) {
  /** @type {Map<string, Map<number, string>>} */
  const series = new Map();
  for (const name of names) {
    const found = COUNTER.exec(name);
    if (found === null) continue;
    const numbers = series.get(found[1]) ?? new Map();
    series.set(found[1], numbers.set(Number(found[2]), found[2]));
  }
  /** @type {[string, string][]} */
  const gaps = [];
  for (const [stem, numbers] of series) {
    const ordered = [...numbers.keys()].sort((a, b) => a - b);
    ordered.slice(1).forEach((right, at) => {
      const step = right - ordered[at];
      if (step > 1 && step <= GAP_MAX) {
        gaps.push([stem + numbers.get(ordered[at]), stem + numbers.get(right)]);
      }
    });
  }
  return gaps;
}

/** A moment as this computer's clock shows it, with its offset. @param {number} ms @returns {string} */
export function localTime(ms) {
  const offset = -new Date(ms).getTimezoneOffset();
  const wall = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
  const [sign, minutes] = [offset < 0 ? "-" : "+", Math.abs(offset)];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${wall}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
