/** Begin of the built script: the page, or the worker that the page starts from the same text. */
import { startPage } from "./page.js";
import { serve } from "./worker.js";

if (typeof document === "undefined") serve(globalThis);
else startPage();
