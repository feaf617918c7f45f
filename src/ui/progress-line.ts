import { formatEta } from '../util/format-duration.ts';
import { formatRate, formatSize } from '../util/format-size.ts';
import { displayWidth, truncate } from './display-width.ts';
import { countText } from './files-text.ts';
import type { RunView } from './run-view.ts';
import { showBaseName, showName } from './show-name.ts';

/** The state of the run in one line of at most `columns` cells: `big.iso  42%  512 MiB of 1.2 GiB  36 MiB/s ...`. */
export function progressLine(view: RunView, columns: number = Number.POSITIVE_INFINITY): string {
  const name = title(view);
  const rest = figures(view);
  const room = columns - displayWidth(rest) - 2;
  // The figures are what one looks for: the name gives way first, then goes.
  if (displayWidth(name) <= room || columns === Number.POSITIVE_INFINITY) return `${name}  ${rest}`;
  return room >= 6 ? `${truncate(name, room)}  ${rest}` : truncate(rest, columns);
}

function title(view: RunView): string {
  const { progress, plan, file } = view;
  if (view.several) {
    const total = progress?.filesTotal ?? plan?.files ?? 0;
    // While trees are walked, there may be more.
    const more = (progress ?? plan)?.isGrowing ? '+' : '';
    return `${countText(progress?.filesDone ?? 0)} of ${countText(total)}${more} files`;
  }
  if (file) return showBaseName(file.source);
  return plan ? showName(plan.destination) : 'mtput';
}

function figures(view: RunView): string {
  const { progress, plan, file } = view;
  if (!progress) return `connecting  CN:0/${plan?.connections ?? 0}`;
  const { bytesDone, bytesResumed, bytesTotal, bytesPerSecond, etaMs, connections, connectionsWanted } = progress;
  const isTotalKnown = progress.isTotalKnown ?? true;
  const whole = isTotalKnown && bytesDone >= bytesTotal;
  // Rounded down: 100% is said of what is whole, and of nothing else.
  const percent = bytesTotal === 0 ? 100 : Math.floor((bytesDone / bytesTotal) * 100);
  const finishing = whole || file?.state === 'committing';
  return [
    ...(isTotalKnown
      ? [`${percent}%`, `${formatSize(bytesDone)} of ${formatSize(bytesTotal)}`]
      : [formatSize(bytesDone)]),
    ...(bytesResumed > 0 ? [`resumed ${formatSize(bytesResumed)}`] : []),
    formatRate(bytesPerSecond),
    ...(finishing ? ['finishing'] : isTotalKnown ? [`ETA ${formatEta(etaMs)}`] : []),
    `CN:${connections}/${connectionsWanted}`,
  ].join('  ');
}
