// States are drawn in lanes at the bottom, one below the other, so that a machine that starts often hides no reading.

/** The scale of all states; a blank tells it from every unit. */
export const STATES = " ";
const LANE = 1.3;

/** A state's line in its lane: off at the lane's ground, on above it. */
export function lane({ x, values, ...line }, place) {
  const most = values.reduce((high, value) => Math.max(high, value ?? 0), 1);
  return { ...line, x, values: values.map((value) => value === null ? null : place * LANE + value / most) };
}

/** Gives the lanes of `count` states their part of the plot: a fourteenth each, all of it where nothing else is drawn. */
export function layLanes(plot, count) {
  const scale = plot.scales[STATES];
  if (!scale) return;
  const alone = plot.series.slice(1).every((one) => one.scale === STATES);
  const reach = count * LANE;
  scale.range = () => [-0.1, alone ? reach : Math.max(reach / 0.4, Math.min(LANE * 14, reach * 14))];
  for (const axis of plot.axes) if (axis.scale === STATES) axis.show = false;
}
