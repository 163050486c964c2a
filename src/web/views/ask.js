import { html } from "../core/ui.js";
export default () => html`<p class="empty">ask</p>`;
