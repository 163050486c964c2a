// A share as a bar below its words; the words have the number.
import { html } from "../../../core/ui.js";

/** `share` 0…1; `kind` is a colour: plain, warn or soft, else that of a loss. */
export const Bar = ({ share, kind }) => html`<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
  <rect class=${kind} width=${100 * share} height="1" /></svg>`;
