/** Words of the page, English and Chinese. Every name has both; a test sees to it. */

/** @typedef {"en" | "zh"} Lang */

/** @type {Record<string, [string, string]>} */
export const CHECK_WORDS = {
  archive: ["The file is one plain ZIP", "文件是单一、规范的 ZIP"],
  layout: ["Only the files of a dossier", "仅含卷宗包应有的文件"],
  bag: ["Manifests name exactly these files", "清单与文件一一对应"],
  digests: ["Octets match their digests", "文件内容与校验值一致"],
  checkpoint: ["Checkpoint signed by the log", "检查点由日志签名"],
  quorum: ["Enough witnesses cosigned", "见证人数足够"],
  time: ["Timestamps and times", "时间戳与时间"],
  entries: ["Entries well-formed and in order", "条目格式与次序"],
  inclusion: ["Every entry is in the log", "每条条目均在日志中"],
  proofs: ["Proof files say the same", "证明文件一致"],
  commitments: ["Contents are those that were signed", "内容即所签内容"],
  "server-keys": ["Server keys trusted and in force", "服务器密钥受信任且有效"],
  enrolment: ["Devices enrolled and vouched for", "设备登记并有担保"],
  signatures: ["Every entry is signed", "每条条目均有有效签名"],
  revocation: ["Nothing hidden after a revocation", "吊销之后的记录均已声明"],
  "device-chains": ["Chains of the devices", "设备链条"],
  ranges: ["No record of a device is missing", "设备记录无缺失"],
  tickets: ["Records extend their tickets", "记录接续出勤凭证"],
  attestations: ["Heads seen by other devices", "其他设备所见链头"],
  clocks: ["Clocks and known checkpoints", "时钟与已知检查点"],
  "case-chain": ["Chain of the case", "案件链条"],
  "case-binding": ["Records belong to the case", "记录归属本案"],
  statement: ["The export's statement", "导出声明"],
  disclosure: ["Absences are stated truly", "缺失内容如实声明"],
  objects: ["Originals and records match", "原件与记录对应"],
  recordings: ["Recordings are whole", "录制内容完整"],
  custody: ["Custody passed hand to hand", "保管交接连续"],
  prior: ["Extends earlier checkpoints", "与先前检查点一致"],
};

/** @type {Record<string, [string, string]>} */
export const OUTCOME_WORDS = {
  passed: ["passed", "通过"],
  note: ["note", "说明"],
  finding: ["to be weighed", "须人工判断"],
  incomplete: ["incomplete", "不完整"],
  failed: ["FAILED", "不成立"],
  "not-run": ["not made", "未执行"],
};

/** @type {Record<string, [string, string]>} */
export const PAGE_WORDS = {
  title: ["Tiezheng: verify a dossier", "铁证:卷宗包核验"],
  language: ["中文", "English"],
  intro: [
    "Judges an exported dossier on this computer. Nothing is sent anywhere: the page has no way to "
    + "reach a network, and works without one.",
    "在本机核验导出的卷宗包。任何内容都不会外传:本页无法访问网络,断网即可使用。",
  ],
  whyTitle: ["Why this page and the trust file come from outside", "为何核验页面与信任文件须另行取得"],
  why: [
    "Whoever could forge a dossier could also put a lying verifier into it, or a policy with keys of "
    + "his own. So a dossier holds only data and proofs. Take this page and the trust file from the "
    + "court's site or another source that you trust, and compare their SHA-256 with the one that is "
    + "printed on the record of the case.",
    "能伪造卷宗包的人,同样能在包内放入说谎的核验程序,或载有其自有密钥的策略。因此卷宗包只含数据与"
    + "证明。请从法院网站或其他可信来源取得本页面与信任文件,并将其 SHA-256 与笔录上载明的数值核对。",
  ],
  dossier: ["Dossier (ZIP)", "卷宗包(ZIP)"],
  trust: ["Trust file or policy (from outside the dossier)", "信任文件或策略(不得取自卷宗包)"],
  priors: ["Checkpoints or dossiers that you kept from earlier (optional)", "您先前保存的检查点或卷宗包(可选)"],
  verify: ["Verify", "核验"],
  again: ["Verifying…", "核验中……"],
  stepOpen: ["Reading the file", "读取文件"],
  stepDigests: ["Computing digests", "计算校验值"],
  stepEntries: ["Reading entries", "读取条目"],
  stepKeys: ["Following keys", "追溯密钥"],
  stepChecks: ["Checking", "核验各项"],
  unusable: [
    "A file that you chose cannot be used, so nothing was verified:",
    "所选文件无法使用,未作任何核验:",
  ],
  broken: [
    "The verification stopped because of an error of this page. This is no verdict; use the command "
    + "line (tiezheng verify).",
    "核验因本页面自身错误而中止。此非核验结论,请改用命令行(tiezheng verify)。",
  ],
  checks: ["Checks", "核验项目"],
  findings: ["Findings", "发现事项"],
  noFindings: ["None.", "无。"],
  more: ["and further ones of this kind:", "另有同类事项:"],
  download: ["Download JSON", "下载 JSON"],
  print: ["Print", "打印"],
  case: ["Case", "案号"],
  recipient: ["Exported for", "导出给"],
  purpose: ["Purpose", "用途"],
  made: ["Exported at", "导出时间"],
  log: ["Log", "日志"],
  witnesses: ["Witnesses", "见证"],
  counts: ["Entries / disclosed / originals", "条目/披露/原件"],
  fileName: ["Dossier file", "卷宗包文件"],
  trustFile: ["Trust file and its SHA-256", "信任文件及其 SHA-256"],
  scope: [
    "No verdict says that the scene was genuine, that the device's owner told the truth, or what was "
    + "never recorded.",
    "任何结论都不说明现场是否真实、设备持有人所述是否属实,以及从未记录之事。",
  ],
};

/** @param {Record<string, [string, string]>} table @param {string} name @param {Lang} lang */
export function word(table, name, lang) {
  const found = table[name];
  if (found === undefined) throw new Error(`no words for ${name}`);
  return found[lang === "zh" ? 1 : 0];
}

/** A place for people. @param {string} where @param {Lang} lang @returns {string} */
export function placeWord(where, lang) {
  if (lang !== "zh") return where;
  return where.replace(/^entry (\d+)$/, "第 $1 号条目").replace(/^line (\d+)$/, "第 $1 行")
    .replace(/^recording /, "录制 ").replace(/^item /, "证物 ").replace(/^case$/, "案件");
}
