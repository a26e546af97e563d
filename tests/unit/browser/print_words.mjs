/** Prints the words, checks and levels of the browser's verifier as JSON. */
import { REASON_WORDS, VERDICT_WORDS } from "../../../client_sdk/browser/reasons.js";
import { CHECKS, levelOf } from "../../../client_sdk/browser/verdicts.js";
import { FUNCTIONS } from "../../../client_sdk/browser/verify.js";
import { CHECK_WORDS, OUTCOME_WORDS, PAGE_WORDS } from "../../../client_sdk/browser/words.js";

const told = {
  tables: {
    verdicts: VERDICT_WORDS, reasons: REASON_WORDS, checks: CHECK_WORDS, outcomes: OUTCOME_WORDS,
    page: PAGE_WORDS,
  },
  checks: CHECKS,
  functions: Object.keys(FUNCTIONS),
  levels: Object.fromEntries(Object.keys(REASON_WORDS).map((reason) => [reason, levelOf(reason)])),
};
process.stdout.write(JSON.stringify(told));
