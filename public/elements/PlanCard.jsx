// The plan card and the run card: one element, every state. Props come from chat_app/cards.py and are
// for showing only; a button sends plan, verb, hash and edited values, and the server decides.
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import {
  Archive, ArrowRight, Ban, Bookmark, CalendarClock, Check, ChevronRight, CircleAlert, CircleCheck, CircleDashed,
  CirclePause, CircleSlash, Clock, Copy, CornerDownRight, ExternalLink, Hand, History, Link2, LoaderCircle,
  MessageCircleQuestion, MoreHorizontal, OctagonX, Pause, Play, RotateCcw, Sparkles, Square, TriangleAlert,
  X, Zap
} from 'lucide-react';
import {
  DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger
} from '@/components/ui/dropdown-menu';
import { Markdown } from '@/components/markdown';

const VERSION = 4;

// --- words ------------------------------------------------------------------------------------------

const STATES = {
  proposed: ['Waiting for you', 'wait', Hand],
  invalid: ['Needs a change', 'fail', CircleAlert],
  editing: ['Changed, not saved', 'wait', Hand],
  checking: ['Checking', 'calm', LoaderCircle],
  approved: ['Approved', 'done', CircleCheck],
  scheduled: ['Scheduled', 'plan', CalendarClock],
  listening: ['Listening', 'plan', Zap],
  paused: ['Paused', 'calm', CirclePause],
  running: ['Running', 'run', LoaderCircle],
  waiting: ['Waiting for you', 'wait', Hand],
  done: ['Done', 'done', CircleCheck],
  failed: ['Failed', 'fail', OctagonX],
  stalled: ['Stuck', 'fail', TriangleAlert],
  stopped: ['Stopped', 'calm', CircleSlash],
  denied: ['You said no', 'calm', Ban],
  rejected: ['Turned down', 'calm', Ban],
  archived: ['Ended', 'calm', Archive],
  ended: ['Ended', 'calm', Archive],
  superseded: ['Superseded', 'calm', History]
};
const STEP_STATES = {
  pending: ['not started', 'calm', CircleDashed],
  running: ['running', 'run', LoaderCircle],
  retrying: ['trying again', 'wait', RotateCcw],
  waiting: ['waiting for you', 'wait', Hand],
  unknown: ['may have happened', 'wait', TriangleAlert],
  done: ['done', 'done', CircleCheck],
  skipped: ['skipped', 'calm', CornerDownRight],
  failed: ['failed', 'fail', OctagonX],
  cancelled: ['stopped', 'calm', CircleSlash],
  denied: ['you said no', 'calm', Ban]
};
const FOLDED = ['superseded', 'rejected', 'archived', 'ended', 'done', 'stopped'];
const ENDED = ['done', 'failed', 'stopped'];

const plural = (n, one, many = one + 's') => `${n} ${n === 1 ? one : many}`;

function lasted(seconds) {
  if (seconds == null) return '';
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

// How long something took that has ended.
const took = (seconds) => (seconds != null && seconds < 0.05 ? '< 0.1 s' : lasted(seconds));

function away(iso, now) {
  const s = Math.round((new Date(iso) - now) / 1000);
  const n = Math.abs(s);
  const text =
    n < 45 ? 'a moment'
    : n < 3600 ? `${Math.max(1, Math.round(n / 60))} min`
    : n < 86400 ? `${Math.round(n / 3600)} h`
    : plural(Math.round(n / 86400), 'day');
  return s >= 0 ? `in ${text}` : `${text} ago`;
}

const href = (value) => (/^https?:\/\/[^\s]+$/i.test(value || '') ? value : undefined);

// What a step stands under: a person's no is not a failure.
const stateOf = (s) => (s.denied ? 'denied' : s.status);

// --- hooks ------------------------------------------------------------------------------------------

function useNow(every) {
  const [now, set] = useState(() => Date.now());
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => set(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

function useWidth() {
  const ref = useRef(null);
  const [width, set] = useState(0);
  useLayoutEffect(() => {
    if (!ref.current) return;
    const seen = new ResizeObserver(([entry]) => set(entry.contentRect.width));
    seen.observe(ref.current);
    set(ref.current.clientWidth);
    return () => seen.disconnect();
  }, []);
  return [ref, width];
}

// What the person changed and has not saved, checked by the server as they type.
function useDraft(p, call) {
  const [draft, setDraft] = useState({});
  const [issues, setIssues] = useState(null);
  const [checking, setChecking] = useState(false);
  const turn = useRef(0);
  useEffect(() => { setDraft({}); setIssues(null); }, [p.hash, p.status === 'proposed' || p.status === 'invalid']);
  useEffect(() => {
    const mine = ++turn.current;
    if (!Object.keys(draft).length) { setIssues(null); setChecking(false); return; }
    const slow = setTimeout(() => mine === turn.current && setChecking(true), 700);
    const timer = setTimeout(async () => {
      const answer = await call('check', { edits: draft });
      if (mine !== turn.current) return;
      clearTimeout(slow);
      setChecking(false);
      setIssues(answer.ok ? answer.issues : [{ path: '', severity: 'error', ...answer.error }]);
    }, 350);
    return () => { clearTimeout(timer); clearTimeout(slow); };
  }, [draft]);
  const set = (path, value, stored) =>
    setDraft((d) => {
      const next = { ...d, [path]: value };
      if (value === stored) delete next[path];
      return next;
    });
  return { draft, set, clear: () => setDraft({}), issues, checking, dirty: Object.keys(draft).length };
}

// --- small parts ------------------------------------------------------------------------------------

const Icon = ({ as: As, spin }) => <As aria-hidden="true" className={'lt-icon' + (spin ? ' lt-spin' : '')} />;

function Pill({ state }) {
  const [word, tone, as] = STATES[state] || STATES.proposed;
  return (
    <span className={`lt-pill lt-${tone}`} data-state={state}>
      <Icon as={as} spin={as === LoaderCircle} />
      {word}
    </span>
  );
}

function Button({ kind = 'plain', icon, busy, children, ...rest }) {
  return (
    <button type="button" className={`lt-button lt-button-${kind}`} aria-busy={busy || undefined} {...rest} disabled={rest.disabled}>
      {busy ? <Icon as={LoaderCircle} spin /> : icon ? <Icon as={icon} /> : null}
      <span>{children}</span>
    </button>
  );
}

function Fault({ error, onClose }) {
  if (!error) return null;
  return (
    <div className="lt-fault" role="alert">
      <Icon as={CircleAlert} />
      <div>
        <p className="lt-strong">{error.message}</p>
        {error.hint ? <p>{error.hint}</p> : null}
        {error.code ? <code className="lt-code">{error.code}</code> : null}
      </div>
      {onClose ? <button type="button" className="lt-ghost" aria-label="Dismiss" onClick={onClose}><Icon as={X} /></button> : null}
    </div>
  );
}

const Text = ({ children }) => <div className="lt-prose"><Markdown allowHtml={false} latex={false}>{children}</Markdown></div>;

function Result({ r }) {
  const more = r.more ? <p className="lt-muted">{r.kind === 'text' ? 'The rest is longer than fits here.' : `and ${r.more} more`}</p> : null;
  if (!r || r.kind === 'none') return null;
  if (r.kind === 'text') return <><Text>{r.text}</Text>{more}</>;
  if (r.kind === 'link') return <a className="lt-link" href={href(r.href)} target="_blank" rel="noopener noreferrer">{r.text}<Icon as={ExternalLink} /></a>;
  if (r.kind === 'list') return <><ul className="lt-list">{r.items.map((v, i) => <li key={i}>{v}</li>)}</ul>{more}</>;
  if (r.kind === 'links')
    return (
      <>
        <ul className="lt-links">
          {r.items.map((v, i) => (
            <li key={i}><a className="lt-link" href={href(v.href)} target="_blank" rel="noopener noreferrer">{v.text}</a><span className="lt-muted">{v.host}</span></li>
          ))}
        </ul>
        {more}
      </>
    );
  if (r.kind === 'fields')
    return (
      <>
        <dl className="lt-fields">
          {r.rows.map(([k, v, link], i) => <div key={i}><dt>{k}</dt><dd>{href(link) ? <a className="lt-link" href={link} target="_blank" rel="noopener noreferrer">{v}</a> : v}</dd></div>)}
        </dl>
        {more}
      </>
    );
  return (
    <>
      <div className="lt-scroll" tabIndex={0} role="region" aria-label="Table">
        <table className="lt-table">
          <thead><tr>{r.columns.map((c, i) => <th key={i} scope="col">{c}</th>)}</tr></thead>
          <tbody>{r.rows.map((row, i) => <tr key={i}>{row.map((v, j) => <td key={j}>{v}</td>)}</tr>)}</tbody>
        </table>
      </div>
      {more}
    </>
  );
}

// --- facts ------------------------------------------------------------------------------------------

const Fact = ({ label, children, note }) => (
  <div className="lt-fact">
    <dt>{label}</dt>
    <dd><span>{children}</span>{note ? <span className="lt-muted">{note}</span> : null}</dd>
  </div>
);

// Each effect whole: it is what one says yes to.
const Effects = ({ p }) =>
  p.effects.length ? p.effects.map((e, i) => <span key={i} className="lt-effect">{e}{p.per_item && !/for each item/.test(e) ? ', per item' : ''}</span>).concat(p.more_effects ? [<span key="more" className="lt-effect lt-muted">and {p.more_effects} more, in the steps below</span>] : []) : 'Only reads';

function Facts({ p, now, active }) {
  const run = p.run;
  const next = p.when.next[0];
  if (run && active) {
    const seconds = run.seconds ?? (run.started ? (now - new Date(run.started)) / 1000 : 0);
    return (
      <dl className="lt-facts lt-facts-run">
        <Fact label="Progress" note={run.began ? `started ${run.began}` : ''}>{run.done} of {plural(run.total, 'step')}</Fact>
        <Fact label="Time" note={run.ended ? '' : `usually ${p.takes}`}><span className="lt-digits">{lasted(seconds)}</span></Fact>
      </dl>
    );
  }
  return (
    <dl className="lt-facts">
      <Fact
        label="When"
        note={next ? (p.status === 'paused' ? 'paused' : <>next {next.text}<span className="lt-away"> · {away(next.at, now)}</span></>) : ''}
      >
        {p.when.words}{p.when.elsewhere ? ` in ${p.when.elsewhere.split('/').pop().replaceAll('_', ' ')}` : ''}
      </Fact>
      <Fact label="Does"><Effects p={p} /></Fact>
      <Fact label="Takes" note={p.cost}>{/^under/.test(p.takes) ? p.takes : `about ${p.takes}`}</Fact>
    </dl>
  );
}

// --- graph ------------------------------------------------------------------------------------------

// Layers by longest path, as late as possible; long edges get a place in each layer they cross, so
// that none runs under a node; a few sweeps put neighbours near each other. Edges back are loops.
function layout(steps, edges, wide, room) {
  const ids = steps.map((s) => s.id);
  const at = new Map(ids.map((id, i) => [id, i]));
  const known = edges.filter((e) => at.has(e.from) && at.has(e.to));
  const forward = known.filter((e) => at.get(e.from) < at.get(e.to));
  const loops = known.filter((e) => at.get(e.from) >= at.get(e.to));
  const layer = new Map();
  for (const id of ids) layer.set(id, Math.max(0, ...forward.filter((e) => e.to === id).map((e) => layer.get(e.from) + 1)));
  for (const id of [...ids].reverse()) {
    const outs = forward.filter((e) => e.from === id).map((e) => layer.get(e.to) - 1);
    if (outs.length && forward.some((e) => e.to === id)) layer.set(id, Math.min(...outs));
  }
  const layers = [];
  const put = (l, cell) => (layers[l] = layers[l] || []).push(cell);
  ids.forEach((id) => put(layer.get(id), { id, l: layer.get(id), near: [] }));
  const cells = new Map(layers.flat().map((c) => [c.id, c]));
  const paths = forward.map((e, n) => {
    const path = [cells.get(e.from)];
    for (let l = layer.get(e.from) + 1; l < layer.get(e.to); l++) {
      const cell = { id: `${n}:${l}`, l, near: [], thin: true };
      put(l, cell);
      path.push(cell);
    }
    path.push(cells.get(e.to));
    path.slice(1).forEach((c, i) => { c.near.push(path[i]); path[i].near.push(c); });
    return { ...e, path };
  });
  const order = () => layers.forEach((row) => row.forEach((c, i) => (c.i = i - (row.length - 1) / 2)));
  order();
  for (let sweep = 0; sweep < 6; sweep++) {
    const turn = sweep % 2 ? [...layers].reverse() : layers;
    turn.forEach((row) => {
      row.forEach((c) => (c.want = c.near.length ? c.near.reduce((s, o) => s + o.i, 0) / c.near.length : c.i));
      row.sort((a, b) => a.want - b.want);
      row.forEach((c, i) => (c.i = i - (row.length - 1) / 2));
    });
  }
  const gap = wide ? 40 : 30 + (forward.some((e) => e.label) ? 12 : 0);
  const w = wide ? Math.max(124, Math.min(184, (room - gap * (layers.length - 1)) / layers.length)) : Math.min(220, room / Math.max(...layers.map((r) => r.length)) - 12);
  const h = wide ? 48 : 44;
  const along = (wide ? w : h) + gap;
  const noted = forward.some((e) => e.label) ? 18 : 0;
  const across = wide ? h + 14 + noted : w + 12;
  const most = Math.max(...layers.map((r) => r.length));
  const size = [layers.length * along - gap, most * across - (wide ? 14 : 12)];
  const middle = size[1] / 2;
  layers.forEach((row, l) => row.forEach((c) => {
    const a = l * along + (wide ? w : h) / 2;
    const b = middle + c.i * across;
    [c.x, c.y] = wide ? [a, b] : [b, a];
  }));
  const [width, height] = wide ? size : [size[1], size[0]];
  return { cells, paths, loops, w, h, width, height };
}

function curve(path, w, h, wide) {
  let d = '';
  path.forEach((c, i) => {
    if (!i) { d = wide ? `M${c.x + w / 2} ${c.y}` : `M${c.x} ${c.y + h / 2}`; return; }
    const b = path[i - 1];
    const [x0, y0] = wide ? [b.x + w / 2, b.y] : [b.x, b.y + h / 2];
    const [x1, y1] = wide ? [c.x - w / 2, c.y] : [c.x, c.y - h / 2];
    const m = wide ? (x0 + x1) / 2 : (y0 + y1) / 2;
    d += wide ? ` C${m} ${y0} ${m} ${y1} ${x1} ${y1}` : ` C${x0} ${m} ${x1} ${m} ${x1} ${y1}`;
    if (c.thin) d += wide ? ` L${c.x + w / 2} ${c.y}` : ` L${c.x} ${c.y + h / 2}`;
  });
  return d;
}

function Graph({ p, onPick }) {
  const [ref, room] = useWidth();
  const wide = room > 560;
  const g = useMemo(() => (room ? layout(p.steps, p.edges, wide, room - 40) : null), [p.steps.length, JSON.stringify(p.edges), wide, room]);
  const tip = useId();
  return (
    <div className="lt-graph" ref={ref}>
      {g ? (
        <svg width={g.width + 24} height={g.height + (g.loops.length ? 52 : 28)} viewBox={`-12 -16 ${g.width + 24} ${g.height + (g.loops.length ? 52 : 28)}`} role="group" aria-label="How the steps hang together">
          <defs><marker id={tip} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0.5 1 7 4 0.5 7" className="lt-tip" /></marker></defs>
          {g.paths.map((e, i) => (
            <g key={i}>
              <path d={curve(e.path, g.w, g.h, wide)} className="lt-edge" markerEnd={`url(#${tip})`} />
            </g>
          ))}
          {g.loops.map((e, i) => {
            const [a, b] = [g.cells.get(e.from), g.cells.get(e.to)];
            const low = g.height + 20;
            return <path key={i} d={`M${a.x} ${a.y + g.h / 2} C${a.x} ${low} ${b.x} ${low} ${b.x} ${b.y + g.h / 2}`} className="lt-edge lt-loop" markerEnd={`url(#${tip})`} />;
          })}
          {p.steps.map((s) => {
            const c = g.cells.get(s.id);
            const [word, tone, as] = s.state ? STEP_STATES[stateOf(s.state)] : ['', 'calm', null];
            return (
              <foreignObject key={s.id} x={c.x - g.w / 2} y={c.y - g.h / 2} width={g.w} height={g.h}>
                <button type="button" tabIndex={-1} className={`lt-node lt-${tone}`} data-node={s.id} onClick={() => onPick(s.id)} aria-label={`${s.title}${word ? ', ' + word : ''}`}>
                  <span className="lt-mark">{as ? <Icon as={as} spin={as === LoaderCircle} /> : s.n}</span>
                  <span className="lt-clamp">{s.title}</span>
                </button>
              </foreignObject>
            );
          })}
          {g.paths.filter((e) => e.label).map((e, i) => {
            const b = g.cells.get(e.to);
            return <foreignObject key={i} x={b.x - g.w / 2} y={b.y - g.h / 2 - 20} width={g.w + 36} height="20" className="lt-pass"><div className="lt-edge-label" title={e.label}><span>{e.label}</span></div></foreignObject>;
          })}
        </svg>
      ) : null}
    </div>
  );
}

// --- arguments --------------------------------------------------------------------------------------

function Argument({ arg, draft, issues, locked, label }) {
  const id = useId();
  const changed = arg.path in draft.draft;
  const value = changed ? draft.draft[arg.path] : arg.value;
  const bad = issues.filter((i) => i.severity === 'error');
  const can = arg.editable && !locked;
  const shared = {
    id, disabled: !can, 'aria-invalid': bad.length ? true : undefined, 'aria-describedby': `${id}-n`,
    'data-path': arg.path, className: 'lt-input',
    onKeyDown: (e) => { if (e.key === 'Escape' && changed) { e.stopPropagation(); draft.set(arg.path, arg.value, arg.value); } }
  };
  const write = (next) => draft.set(arg.path, next, arg.value);
  let control;
  if (arg.control === 'bound') control = <div className="lt-bound"><Icon as={Link2} /><span>{arg.source || 'from an earlier step'}</span></div>;
  else if (arg.control === 'switch') control = <button type="button" role="switch" aria-checked={!!value} {...shared} className="lt-switch" onClick={() => write(!value)}><span /></button>;
  else if (arg.control === 'choice' && can) control = <select {...shared} value={value ?? ''} onChange={(e) => write(e.target.value)}>{value == null ? <option value="">Choose</option> : null}{arg.choices.map((c) => <option key={c} value={c}>{c}</option>)}</select>;
  else if (!can) control = <div className={'lt-value' + (arg.control === 'data' ? ' lt-mono' : '')} data-path={arg.path} tabIndex={bad.length ? 0 : undefined}>{value === '' || value == null ? <span className="lt-muted">not given</span> : <Template text={String(value)} />}</div>;
  else if (arg.control === 'long') control = <textarea {...shared} rows={Math.min(8, Math.max(2, String(value ?? '').split('\n').length + Math.floor(String(value ?? '').length / 70)))} value={value ?? ''} onChange={(e) => write(e.target.value)} />;
  else control = <input {...shared} type={arg.control === 'number' ? 'text' : arg.format === 'email' ? 'email' : arg.format === 'uri' ? 'url' : 'text'} inputMode={arg.control === 'number' ? 'decimal' : undefined} value={value ?? ''} spellCheck={false} autoComplete="off" onChange={(e) => write(e.target.value)} />;
  const origin = arg.control === 'bound' ? '' : changed ? 'you changed it' : arg.source;
  return (
    <div className={'lt-arg' + (bad.length ? ' lt-arg-bad' : '') + (changed ? ' lt-arg-new' : '')}>
      <label htmlFor={can ? id : undefined} title={arg.help || undefined}>{label || arg.label}</label>
      <div>
        {control}
        <div id={`${id}-n`} className="lt-arg-note">
          {origin ? <span className="lt-origin">{origin}</span> : null}
          {issues.map((i, n) => <Issue key={n} issue={i} onFix={can && i.fix && i.fix.path === arg.path ? () => write(i.fix.value) : null} />)}
        </div>
      </div>
    </div>
  );
}

// References inside a text stand out from the words around them.
const Template = ({ text }) => text.split(/(\$\{[^}]*\})/).map((part, i) => (part.startsWith('${') ? <span key={i} className="lt-chip">{part.slice(2, -1)}</span> : part));

function Issue({ issue, onFix, again }) {
  return (
    <div className={`lt-issue lt-issue-${issue.severity}`}>
      <Icon as={issue.severity === 'info' ? MessageCircleQuestion : TriangleAlert} />
      <span>{issue.message}{issue.suggestion ? <span className="lt-muted"> {issue.suggestion}</span> : null}{issue.code ? <code className="lt-code">{issue.code}</code> : null}</span>
      {again && issue.code === 'PLAN_SETTING_MISSING' ? <button type="button" className="lt-text-button" data-act="check-again" onClick={again}>Check again</button> : null}
      {onFix ? <button type="button" className="lt-text-button" onClick={onFix}>{issue.fix.label}</button> : null}
    </div>
  );
}

// --- questions --------------------------------------------------------------------------------------

const UNKNOWN = [['happened', 'It happened', Check], ['again', 'Do it again', RotateCcw], ['stop', 'Stop the run', Square]];

// The values a step is about to act with: to look at, and to change before it does.
function Values({ rows, edits, set }) {
  const form = { draft: edits, set: (path, value, stored) => set((e) => { const next = { ...e, [path]: value }; if (value === stored) delete next[path]; return next; }) };
  return <div className="lt-values">{rows.map((r) => <Argument key={r.key} arg={{ ...r, path: r.key, source: '' }} draft={form} issues={[]} />)}</div>;
}

function Question({ step, q, act, busy }) {
  const [text, setText] = useState('');
  const [edits, setEdits] = useState({});
  const id = useId();
  const self = useRef(null);
  // Into view, if the person is in this card: the bar may lie over it.
  useEffect(() => {
    const card = self.current.closest('.lt-card');
    if (card.contains(document.activeElement)) setTimeout(() => self.current?.querySelector('.lt-row')?.scrollIntoView({ block: 'nearest' }), 60);
  }, []);
  const changed = Object.keys(edits).length;
  const tag = (name) => `answer:${step.id}:${q.index}:${name}`;
  const send = (answer, name = answer) => act('answer', { step: step.id, index: q.index, iteration: q.iteration || null, answer }, tag(name));
  const on = (name) => busy === tag(name);
  return (
    <div className="lt-question" ref={self} data-question={q.kind} role="group" aria-labelledby={id}>
      <p id={id} className="lt-strong">{q.text}</p>
      {q.args.length ? <Values rows={q.args} edits={edits} set={setEdits} /> : null}
      {q.kind === 'gate' ? (
        <div className="lt-row">
          <Button kind="primary" icon={Check} data-act="allow" busy={on('allow')} onClick={() => send(changed ? { answer: 'allow', args: edits } : 'allow', 'allow')}>{changed ? `Allow once, with ${plural(changed, 'change')}` : 'Allow once'}</Button>
          <Button icon={X} data-act="deny" busy={on('deny')} onClick={() => send('deny')}>Say no</Button>
        </div>
      ) : q.kind === 'unknown' ? (
        <div className="lt-row">{UNKNOWN.map(([answer, label, icon]) => <Button key={answer} icon={icon} data-act={answer} busy={on(answer)} onClick={() => send(answer)}>{label}</Button>)}</div>
      ) : q.choices.length ? (
        <div className="lt-row">{q.choices.map((c) => <Button key={c} data-act="answer" data-answer={c} busy={on(c)} onClick={() => send(c)}>{c}</Button>)}</div>
      ) : (
        <form className="lt-row" onSubmit={(e) => { e.preventDefault(); if (text.trim()) send(text.trim(), 'typed'); }}>
          <input className="lt-input" aria-labelledby={id} placeholder="Your answer" value={text} onChange={(e) => setText(e.target.value)} />
          <button type="submit" className="lt-button lt-button-primary" data-act="answer" disabled={!text.trim()}><span>Answer</span></button>
        </form>
      )}
    </div>
  );
}

// --- steps ------------------------------------------------------------------------------------------

function sideNote(step, now, asks) {
  const s = step.state;
  if (!s) return [step.each ? 'for each item' : '', asks ? 'asks first' : ''].filter(Boolean).join(' · ');
  if (s.status === 'retrying') return `attempt ${s.attempt + 1}${s.of ? ' of ' + s.of : ''}`;
  if (s.status === 'running') return (s.items ? `${s.items[0]} of ${s.items[1]} · ` : '') + (s.attempt > 1 ? `attempt ${s.attempt}${s.of ? ' of ' + s.of : ''} · ` : '') + (s.started ? lasted((now - new Date(s.started)) / 1000) : '');
  if (s.status === 'done') return (s.items ? `${s.items[1]} items · ` : '') + took(s.seconds);
  return STEP_STATES[stateOf(s)][0];
}

function subLine(step, fault) {
  const s = step.state;
  if (fault) return fault.message;
  if (!s) return step.guard ? <><strong>Only if {step.guard}</strong>{step.sub}</> : step.sub;
  if (s.status === 'done') return s.preview || 'nothing to show';
  if (s.status === 'retrying') return s.error ? s.error.message : step.sub;
  if (s.status === 'waiting' && s.questions.some((q) => q.kind === 'ask')) return 'Goes on when you have answered';
  if (s.status === 'skipped') return s.why || step.sub;
  return step.sub;
}

function Step({ step, open, toggle, draft, issues, locked, act, busy, now, last }) {
  const body = useId();
  const s = step.state;
  const [word, tone, as] = s ? STEP_STATES[stateOf(s)] : ['', 'calm', null];
  const gate = step.asking;
  const gated = gate && gate.path in draft.draft ? !!draft.draft[gate.path] : step.asks;
  const rows = gate && (!locked || gate.value) ? [...step.args, gate] : step.args;
  const mine = issues.filter((i) => !rows.some((a) => i.path === a.path || i.path.startsWith(a.path + '/')));
  // A warning is read without opening the step: it is part of what one says yes to.
  const told = open || locked ? [] : issues.filter((i) => i.severity === 'warning');
  const bad = issues.some((i) => i.severity === 'error');
  return (
    <li className={`lt-step lt-${bad ? 'fail' : tone}${open ? ' lt-open' : ''}${last ? ' lt-last' : ''}`} data-step={step.id} data-status={s ? s.status : 'planned'}>
      <button type="button" className="lt-step-head" aria-expanded={open} aria-controls={body} onClick={toggle}>
        <span className={'lt-mark' + (!s && step.effects.length ? ' lt-acts' : '')} key={s ? s.status : 'n'}>{bad ? <Icon as={CircleAlert} /> : as ? <Icon as={as} spin={as === LoaderCircle} /> : step.n}</span>
        <span className="lt-step-words">
          <span className="lt-step-title"><span>{step.title}</span><code>{step.tool}</code></span>
          <span className="lt-step-sub">{subLine(step, !open && issues.find((i) => i.severity === 'error'))}</span>
        </span>
        <span className="lt-step-side">
          <span className="lt-digits">{sideNote(step, now, gated)}</span>
          {s ? <span className="lt-hidden">{word}</span> : null}
        </span>
        <span className="lt-chevron"><Icon as={ChevronRight} /></span>
      </button>
      {told.length ? <div className="lt-step-told">{told.map((i, n) => <Issue key={n} issue={i} onFix={gate && i.fix && i.fix.path === gate.path ? () => draft.set(gate.path, true, gate.value) : null} />)}</div> : null}
      {s && s.questions.map((q, i) => <Question key={`${s.iteration}:${q.index}:${i}`} step={step} q={q} act={act} busy={busy} />)}
      {s && s.status === 'failed' && s.error ? (
        <div className="lt-step-fault">{s.denied ? <p className="lt-muted lt-note">You said no: nothing was done here. <code className="lt-code">{s.error.code}</code></p> : <Fault error={s.error} />}</div>
      ) : null}
      {open ? (
        <div id={body} className="lt-step-body">
          {mine.map((i, n) => <Issue key={n} issue={i} again={locked ? null : () => act('check', { edits: {} })} />)}
          {s && s.result && s.result.kind !== 'none' ? <section className="lt-result" data-result={step.id} aria-label={`Result of ${step.title}`}><Result r={s.result} /></section> : null}
          {s && s.note ? <p className="lt-muted lt-note">{s.note}</p> : null}
          {step.calls ? <p className="lt-muted lt-note">Runs your routine {step.calls}.</p> : null}
          {rows.map((a) => <Argument key={a.path} arg={a} draft={draft} locked={locked} issues={issues.filter((i) => i.path === a.path || i.path.startsWith(a.path + '/'))} />)}
          {step.each ? <p className="lt-muted lt-note">Once for each of: {step.each}</p> : null}
          {step.guard ? <p className="lt-muted lt-note">Only if {step.guard}; else it is left out.</p> : null}
          {!rows.length && !mine.length && !step.calls && !(s && s.result) ? <p className="lt-muted lt-note">It needs nothing.</p> : null}
        </div>
      ) : null}
    </li>
  );
}

// --- the card ---------------------------------------------------------------------------------------

function Changes({ p }) {
  const [all, setAll] = useState(false);
  if (!p.changes.length) return null;
  const shown = all ? p.changes : p.changes.slice(0, 4);
  return (
    <section className="lt-changes" aria-label={`Changes since revision ${p.revision - 1}`} data-changes={p.changes.length}>
      <h4>{plural(p.changes.length, 'change')} since revision {p.revision - 1}</h4>
      <ul>
        {shown.map((c, i) => (
          <li key={i} data-change={c.kind}>
            <span className={`lt-sign lt-sign-${c.kind}`}>{c.kind === 'added' ? 'new' : c.kind === 'removed' ? 'gone' : 'now'}</span>
            <span><span className="lt-change-label">{c.label}</span>{c.tool ? <code className="lt-code lt-change-tool">{c.tool}</code> : null}{c.old ? <del>{c.old}</del> : null}{c.old && c.new ? <Icon as={ArrowRight} /> : null}{c.new ? <ins>{c.new}</ins> : null}</span>
          </li>
        ))}
      </ul>
      {p.changes.length > 4 ? <button type="button" className="lt-text-button" onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${p.changes.length}`}</button> : null}
    </section>
  );
}

function Inputs({ p, given, set, missing }) {
  if (!p.inputs.length || !['proposed', 'invalid', 'scheduled', 'paused', 'approved', 'failed'].includes(p.status)) return null;
  return (
    <section className="lt-inputs" aria-label="What it needs from you">
      <h4>It needs from you</h4>
      {p.inputs.map((i) => {
        const arg = { ...i, path: `inputs/${i.key}`, control: i.choices.length ? 'choice' : i.type === 'boolean' ? 'switch' : ['number', 'integer'].includes(i.type) ? 'number' : 'text', editable: true, source: i.help };
        const fake = { draft: given, set: (path, v) => set({ ...given, [path]: v }) };
        return <Argument key={i.key} arg={arg} draft={fake} issues={missing.includes(i.key) ? [{ severity: 'error', message: 'This is needed to run it.' }] : []} />;
      })}
    </section>
  );
}

// Copies a text that is shown, and says so for a while.
function useCopy(text) {
  const [copied, setCopied] = useState('');
  const shown = useRef(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied('Copied');
    } catch (e) {
      // Without a secure address there is no clipboard: what is marked can be copied by hand.
      getSelection().selectAllChildren(shown.current);
      setCopied('Marked: copy it with your keyboard');
    }
    setTimeout(() => setCopied(''), 4000);
  };
  return [shown, copy, copied];
}

// The web address that starts the plan: whoever has it can, so it is shown to its owner alone.
function Hook({ path, signed }) {
  const address = `${window.location.origin}${path}`;
  const [shown, copy, copied] = useCopy(address);
  return (
    <div className="lt-hook">
      <p className="lt-muted">Starts when somebody posts to this address{signed ? ', signed with its secret' : ''}. Keep it to those who may.</p>
      <div className="lt-row"><code className="lt-code lt-grow" ref={shown}>{address}</code><Button icon={Copy} data-act="copy-hook" aria-label="Copy the address" onClick={copy}>Copy</Button><span className="lt-muted" role="status">{copied}</span></div>
    </div>
  );
}

// How the plan came about. Open or closed is the browser's to keep, so that an update changes nothing.
function Made({ made, saved }) {
  const [open, setOpen] = useState(false);
  const [code, copy, copied] = useCopy(made.text);
  return (
    <details className="lt-made" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary data-act="made"><Icon as={Sparkles} /><span className="lt-grow">{made.line}{saved ? ' Saved.' : ''}</span><span className="lt-made-more">How it came about</span><span className="lt-chevron"><Icon as={ChevronRight} /></span></summary>
      {open ? (
      <dl>
        {made.said ? <><dt>You said</dt><dd>“{made.said}”</dd></> : null}
        {made.why ? <><dt>Why so</dt><dd>{made.why}</dd></> : null}
        {made.mended.length ? <><dt>Mended on the way</dt><dd><ul>{made.mended.map((m, i) => <li key={i}>{m}</li>)}</ul></dd></> : null}
        {made.cost ? <><dt>It took</dt><dd>{made.cost}</dd></> : null}
        <dt>Trust</dt><dd>{made.trust}</dd>
        {saved ? <><dt>Saved as</dt><dd><code className="lt-code">{saved}</code>. Say its name to use it again, alone or in another plan.</dd></> : null}
        {made.text ? (
          <>
            <dt>As text</dt>
            <dd>
              <pre className="lt-code-block" ref={code} tabIndex={0} aria-label="The plan as text">{made.text}</pre>
              <div className="lt-row"><Button icon={Copy} data-act="copy" onClick={copy}>{made.syntax === 'json' ? 'Copy as JSON' : 'Copy as pipe'}</Button><span className="lt-muted" role="status">{copied}</span></div>
            </dd>
          </>
        ) : null}
      </dl>
      ) : null}
    </details>
  );
}

function PlanCard({ p, api }) {
  const [toggled, setToggled] = useState({});
  const [unfolded, setUnfolded] = useState(null);
  const [showSteps, setShowSteps] = useState(null);
  const [busy, setBusy] = useState('');
  const [fault, setFault] = useState(null);
  const [asking, setAsking] = useState('');
  const [reason, setReason] = useState('');
  const [name, setName] = useState(p.title);
  const [given, setGiven] = useState({});
  const [missing, setMissing] = useState([]);
  const root = useRef(null);
  const titleId = useId();

  const call = async (verb, extra = {}) => {
    try {
      const answer = await api.callAction({ name: 'plan', payload: { verb, plan: p.plan, revision: p.revision, hash: p.hash, catalogue: p.catalogue, run: p.run ? p.run.id : null, ...extra } });
      return (answer && answer.response) || { ok: false, error: { message: 'The server gave no answer.', hint: 'Try again.' } };
    } catch (e) {
      return { ok: false, error: { message: 'The server could not be reached.', hint: 'Nothing was changed. Try again in a moment.' } };
    }
  };
  const draft = useDraft(p, call);
  const editable = p.status === 'proposed' || p.status === 'invalid';
  const run = p.run;
  const active = !!run && ['running', 'waiting', 'stalled'].includes(run.status);
  const denied = !!run && run.denied;
  const recurring = p.kind === 'plan' && (['scheduled', 'paused'].includes(p.status) || (active && (p.schedules.length > 0 || p.when.listens)));
  const hasRun = !!run;
  const now = useNow(active ? 250 : 30000);

  // A busy button stays what it is, and keeps the focus; a second press of it does nothing, another
  // button's turn comes when the first is answered.
  const pressed = useRef(null);
  const act = async (verb, extra, tag) => {
    const name = tag || (extra && 'answer' in extra ? `answer:${extra.step}:${extra.index}:${extra.answer}` : verb);
    if (pressed.current && pressed.current.name === name) return { ok: false };
    while (pressed.current) await pressed.current.answered;
    setBusy(name);
    setFault(null);
    const answered = call(verb, extra);
    pressed.current = { name, answered };
    const answer = await answered;
    pressed.current = null;
    setBusy('');
    if (!answer.ok) setFault(answer.error);
    return answer;
  };
  const act1 = (verb, extra) => act(verb, extra).then((a) => { if (a.ok && root.current) (root.current.querySelector('.lt-fold') || root.current.querySelector('.lt-title')).focus({ preventScroll: true }); return a; });

  const live = draft.issues;
  const pathIssues = (step) => (live ? live.filter((i) => i.path && i.path.startsWith(`steps/${step.n - 1}/`)) : step.issues);
  const repeated = (i) => i.code === 'PLAN_NOT_COVERED' && p.uncovered.some((w) => i.message.includes(`“${w}”`));
  const general = (live ? live.filter((i) => !/^steps\/\d+/.test(i.path || '')) : p.issues).filter((i) => !repeated(i));
  const errors = [...general, ...p.steps.flatMap(pathIssues)].filter((i) => i.severity === 'error');
  const state = denied && p.status === 'failed' ? 'denied' : draft.checking ? 'checking' : draft.dirty ? 'editing' : p.status === 'scheduled' && p.when.listens && !p.when.timed ? 'listening' : p.status === 'invalid' && live && !errors.length ? 'proposed' : p.status;

  const foldable = FOLDED.includes(p.status);
  const folded = foldable && unfolded !== true;
  // A card that folds takes the focused button with it: the focus stays in the card.
  const held = !!root.current && root.current.contains(document.activeElement);
  useLayoutEffect(() => {
    if (held && document.activeElement === document.body) (root.current.querySelector('.lt-fold') || root.current.querySelector('.lt-title')).focus({ preventScroll: true });
  });
  const stepsShown = showSteps ?? (!recurring || active);
  const openOf = (s) => toggled[s.id] ?? (pathIssues(s).some((i) => i.severity === 'error') && editable);
  const graph = p.steps.length > 3 && p.edges.length > 0 && !p.before && !p.after;

  // Once a run was watched here, its steps stay in view when it ends: nothing jumps away.
  useEffect(() => { if (active && recurring) setShowSteps(true); }, [active, recurring]);

  const focusOn = (path) => {
    const step = p.steps[Number((/^steps\/(\d+)/.exec(path) || [])[1]) - p.before];
    if (step) setToggled((t) => ({ ...t, [step.id]: true }));
    setTimeout(() => {
      const at = root.current && (root.current.querySelector(`[data-path="${CSS.escape(path)}"]`) || (step && root.current.querySelector(`[data-step="${CSS.escape(step.id)}"] .lt-step-head`)));
      if (at) { at.focus(); at.scrollIntoView({ block: 'nearest' }); }
    }, 30);
  };
  const inputsOf = () => Object.fromEntries(Object.entries(given).map(([k, v]) => [k.slice(7), v]));
  const needs = () => {
    const lacking = p.inputs.filter((i) => i.required && (given[`inputs/${i.key}`] ?? '') === '').map((i) => i.key);
    setMissing(lacking);
    if (lacking.length) setTimeout(() => root.current.querySelector(`[data-path="inputs/${CSS.escape(lacking[0])}"]`)?.focus(), 30);
    return lacking.length > 0;
  };
  const approve = () => { if (!needs()) act1('approve', { inputs: inputsOf() }); };
  const runNow = () => { if (!needs()) act1('run', { inputs: inputsOf() }); };
  const save = async () => {
    const answer = await act('edit', { edits: draft.draft });
    if (answer.ok) { draft.clear(); setTimeout(() => root.current?.querySelector('[data-act="approve"]')?.focus(), 60); }
    else if (errors[0]) focusOn(errors[0].path);
  };

  const running = active && run.status !== 'waiting' ? p.steps.find((s) => s.state && s.state.status === 'running') : null;
  const spoken = active ? `${STATES[run.status][0]}. ${run.done} of ${run.total} steps done.${running ? ' Now: ' + running.title + '.' : ''}` : (STATES[state] || STATES.proposed)[0];
  const outcome =
    p.status === 'done' || (recurring && run && run.status === 'done') ? `done in ${took(run.seconds)}`
    : denied ? 'you said no'
    : run && run.status === 'failed' ? `failed after ${took(run.seconds)}`
    : run && run.status === 'stopped' ? `stopped after ${took(run.seconds)}` : '';
  const foldLine =
    p.status === 'superseded' ? `A newer revision, ${p.latest}, took its place`
    : p.status === 'rejected' ? p.reason || p.decided
    : p.status === 'archived' || p.status === 'ended' ? 'It will not run again'
    : [outcome, p.results.length ? plural(p.results.length, 'result') : run ? `${run.done} of ${plural(run.total, 'step')}` : ''].filter(Boolean).join(' · ');
  const newer = () => {
    const at = [...document.querySelectorAll(`[data-plan="${CSS.escape(p.plan)}"]`)].find((c) => Number(c.dataset.revision) === p.latest);
    if (at) { at.scrollIntoView({ block: 'center' }); at.querySelector('.lt-title')?.focus({ preventScroll: true }); }
  };

  const menu = [
    draft.dirty || p.status === 'invalid' || p.kind !== 'plan' ? null : [p.saved ? 'Save under another name' : 'Save as a routine', Bookmark, () => setAsking('save'), 'save'],
    editable && draft.dirty ? null : editable && ['Turn down', Ban, () => setAsking('reject'), 'reject'],
    recurring && ['End this plan', Archive, () => setAsking('archive'), 'archive']
  ].filter(Boolean);

  const unsure = p.steps.some((s) => s.state && s.state.questions.some((q) => q.kind === 'unknown'));
  const bar =
    asking === 'reject' ? (
      <form className="lt-bar" onSubmit={(e) => { e.preventDefault(); setAsking(''); act1('reject', { reason }); }} onKeyDown={(e) => e.key === 'Escape' && setAsking('')}>
        <input className="lt-input" autoFocus aria-label="Why" placeholder="Why? It helps the next plan. You may leave it empty." value={reason} maxLength={300} onChange={(e) => setReason(e.target.value)} />
        <button type="submit" className="lt-button lt-button-danger" data-act="reject-confirm"><span>Turn down</span></button>
        <Button onClick={() => setAsking('')}>Keep</Button>
      </form>
    ) : asking === 'save' ? (
      <form className="lt-bar" onSubmit={(e) => { e.preventDefault(); setAsking(''); act1('save', { name: name.trim() }); }} onKeyDown={(e) => e.key === 'Escape' && setAsking('')}>
        <input className="lt-input" autoFocus aria-label="Name of the routine" placeholder="Its name, to call it by later" value={name} maxLength={80} onChange={(e) => setName(e.target.value)} />
        <button type="submit" className="lt-button lt-button-primary" data-act="save-confirm"><span>Save</span></button>
        <Button onClick={() => setAsking('')}>Not now</Button>
      </form>
    ) : asking === 'archive' ? (
      <div className="lt-bar" role="alertdialog" aria-label="End this plan?">
        <span className="lt-grow">It stops for good and will not run again.</span>
        <Button kind="danger" data-act="archive-confirm" autoFocus onClick={() => { setAsking(''); act1('archive'); }}>End it</Button>
        <Button onClick={() => setAsking('')}>Keep</Button>
      </div>
    ) : (
      <div className="lt-bar">
        {editable && draft.dirty ? (
          <>
            <Button kind="primary" data-act="edit" busy={busy === 'edit'} disabled={errors.length > 0 && !draft.checking} onClick={save}>Save {plural(draft.dirty, 'change')}</Button>
            <Button data-act="discard" onClick={draft.clear}>Discard</Button>
          </>
        ) : editable ? (
          <Button kind="primary" icon={p.when.timed ? CalendarClock : p.when.listens ? Zap : Play} data-act="approve" busy={busy === 'approve'} disabled={errors.length > 0} onClick={approve}>
            {p.when.timed ? 'Approve and schedule' : p.when.listens ? 'Approve and listen' : 'Approve and run'}
          </Button>
        ) : null}
        {active && !unsure ? <Button icon={Square} data-act="cancel" busy={busy === 'cancel'} onClick={() => act1('cancel')}>Stop</Button> : null}
        {active && run.status === 'stalled' ? <Button kind="primary" icon={RotateCcw} data-act="replay" busy={busy === 'replay'} onClick={() => act1('replay')}>Try again</Button> : null}
        {recurring && !active ? <Button kind="primary" icon={Play} data-act="run" busy={busy === 'run'} onClick={runNow}>Run now</Button> : null}
        {p.kind === 'plan' && p.schedules.some((s) => s.status === 'active') && !editable ? <Button icon={Pause} data-act="pause" busy={busy === 'pause'} onClick={() => act('pause')}>Pause</Button> : null}
        {p.kind === 'plan' && p.status === 'paused' ? <Button icon={CalendarClock} data-act="resume" busy={busy === 'resume'} onClick={() => act('resume')}>Resume</Button> : null}
        {p.kind === 'plan' && ['failed', 'stopped', 'done', 'approved'].includes(p.status) ? <Button kind={p.status === 'failed' ? 'primary' : 'plain'} icon={RotateCcw} data-act="run" busy={busy === 'run'} onClick={runNow}>{run ? 'Run again' : 'Run now'}</Button> : null}
        <span className="lt-grow lt-bar-note">
          {editable && errors.length ? (
            <button type="button" className="lt-text-button lt-fail" data-act="first-error" onClick={() => focusOn(errors[0].path)}>{errors.length} to fix</button>
          ) : null}
        </span>
        {menu.length ? (
          <DropdownMenu>
            <DropdownMenuTrigger asChild><button type="button" className="lt-button lt-button-quiet" aria-label="More" data-act="more"><Icon as={MoreHorizontal} /></button></DropdownMenuTrigger>
            <DropdownMenuContent align="end" className="lt-menu">
              {menu.map(([label, icon, go, name]) => <DropdownMenuItem key={name} data-act={name} onSelect={() => setTimeout(go, 0)}><Icon as={icon} />{label}</DropdownMenuItem>)}
            </DropdownMenuContent>
          </DropdownMenu>
        ) : null}
      </div>
    );
  const hasBar = asking === 'save' || editable || (active && !unsure) || recurring || (p.kind === 'plan' && ['failed', 'approved', 'stopped', 'done'].includes(p.status));

  const results = p.results.length ? (
    <section className="lt-results" aria-label="Results">
      {p.did.length ? <ul className="lt-did">{p.did.map((d, i) => <li key={i}><Icon as={Check} />{d}</li>)}</ul> : null}
      {p.results.map((r) => (
        <div key={r.step} className="lt-outcome" data-outcome={r.step}>
          <h4>{r.title}</h4>
          <Result r={r} />
          {r.note ? <p className="lt-muted lt-note">{r.note}</p> : null}
        </div>
      ))}
    </section>
  ) : null;

  const [, tone, HeadIcon] = STATES[state] || STATES.proposed;
  return (
    <article className={`lt-card lt-card-${state}${folded ? ' lt-folded' : ''}`} ref={root} aria-labelledby={titleId} data-plan={p.plan} data-revision={p.revision} data-kind={p.kind} data-status={state === 'denied' ? 'failed' : state} data-run={run ? run.id : undefined} data-run-status={run ? run.status : undefined}>
      <div className="lt-hidden" role="status" aria-live="polite">{spoken}</div>
      <header className="lt-head">
        {foldable ? (
          <button type="button" className="lt-fold" aria-expanded={!folded} data-act="unfold" onClick={() => setUnfolded(folded)}>
            <span className={`lt-mark lt-${tone}`}><Icon as={HeadIcon} /></span>
            <span className="lt-step-words">
              <span className="lt-title" id={titleId} tabIndex={-1}>{p.title}</span>
              <span className="lt-step-sub">{[p.label, foldLine].filter(Boolean).join(' · ')}</span>
            </span>
            {run && run.ended ? <span className="lt-step-side lt-digits">{run.began}</span> : <span className={`lt-step-side lt-${tone}`}>{STATES[state][0]}</span>}
            <span className="lt-chevron"><Icon as={ChevronRight} /></span>
          </button>
        ) : (
          <>
            <div className="lt-head-words">
              <h3 className="lt-title" id={titleId} tabIndex={-1}>{p.title}</h3>
              {p.label || p.purpose ? <p className="lt-purpose">{p.label || p.purpose}</p> : null}
            </div>
            <Pill state={recurring && active ? run.status : state} />
          </>
        )}
      </header>
      {active ? <div className="lt-progress" role="progressbar" aria-valuemin={0} aria-valuemax={run.total} aria-valuenow={run.done} aria-label="Steps done"><span style={{ width: `${(100 * run.done) / Math.max(1, run.total)}%` }} className={run.status === 'waiting' ? 'lt-wait' : ''} /></div> : null}
      {p.status === 'superseded' && folded ? <div className="lt-aside"><button type="button" className="lt-text-button" data-act="newer" onClick={newer}>Show the newer one</button></div> : null}
      {folded ? results : (
        <>
          {foldable && results}
          <Facts p={p} now={now} active={(!!run && !recurring) || active} />
          {p.when.hooks.map((h) => <Hook key={h.path} {...h} />)}
          {editable ? <Changes p={p} /> : null}
          {p.uncovered.length && editable ? (
            <div className="lt-notice lt-wait"><Icon as={TriangleAlert} /><p>Not in this plan: {p.uncovered.map((w, i) => <span key={i}>{i ? ', ' : ''}“{w}”</span>)}. Say it another way to add it, or approve without it.</p></div>
          ) : null}
          <Inputs p={p} given={given} set={setGiven} missing={missing} />
          {run && run.status === 'failed' && run.error && !p.steps.some((s) => s.state && s.state.error) ? <div className="lt-pad"><Fault error={run.error} /></div> : null}
          {recurring && hasRun && !active ? (
            <button type="button" className="lt-last-run" aria-expanded={stepsShown} data-act="last-run" onClick={() => setShowSteps(!stepsShown)}>
              <span className={`lt-mark lt-${(STATES[run.status] || STATES.done)[1]}`}><Icon as={(STATES[run.status] || STATES.done)[2]} /></span>
              <span className="lt-grow">Last run: {outcome || STATES[run.status][0].toLowerCase()}</span>
              <span className="lt-step-side lt-digits">{run.began}</span>
              <span className="lt-chevron"><Icon as={ChevronRight} /></span>
            </button>
          ) : recurring && !active ? (
            <button type="button" className="lt-last-run" aria-expanded={stepsShown} data-act="steps" onClick={() => setShowSteps(!stepsShown)}>
              <span className="lt-mark"><Icon as={Zap} /></span><span className="lt-grow">{plural(p.steps.length + p.before + p.after, 'step')}</span><span className="lt-chevron"><Icon as={ChevronRight} /></span>
            </button>
          ) : null}
          {stepsShown ? (
            <>
              {graph ? <Graph p={p} onPick={(id) => { setToggled((t) => ({ ...t, [id]: true })); setTimeout(() => root.current.querySelector(`[data-step="${CSS.escape(id)}"] .lt-step-head`)?.focus(), 30); }} /> : null}
              <ol className="lt-steps" aria-label="Steps">
                {p.before ? <li className="lt-more-steps">{plural(p.before, 'earlier step')}</li> : null}
                {p.steps.map((s, i) => (
                  <Step key={s.id} step={s} open={!!openOf(s)} toggle={() => setToggled((t) => ({ ...t, [s.id]: !openOf(s) }))} draft={draft} issues={editable ? pathIssues(s) : []} locked={!editable} act={act} busy={busy} now={now} last={i === p.steps.length - 1} />
                ))}
                {p.after ? <li className="lt-more-steps">{plural(p.after, 'more step')}</li> : null}
              </ol>
            </>
          ) : null}
          {recurring && !active ? results : null}
          {!foldable && !recurring && results}
          {editable && general.length ? <div className="lt-general">{general.map((i, n) => <Issue key={n} issue={i} />)}</div> : null}
          {p.kind === 'plan' ? <Made made={p.made} saved={p.saved} /> : null}
          {!editable && p.decided && !active ? <p className="lt-foot"><Icon as={Clock} />{p.decided}</p> : null}
        </>
      )}
      {p.earlier && p.earlier[0] ? <p className="lt-foot" data-earlier={p.earlier[0]}><Icon as={History} />{plural(p.earlier[0], 'earlier run')} of this plan{p.earlier[1] ? `, ${p.earlier[1]} failed` : ''}. Say /runs to see them.</p> : null}
      {fault ? <div className="lt-pad"><Fault error={fault} onClose={() => setFault(null)} /></div> : null}
      {hasBar && !(folded && ['superseded', 'rejected', 'archived', 'ended', 'done', 'stopped'].includes(p.status)) ? bar : null}
    </article>
  );
}

// An exported component would be made anew, and lose what was typed, on every update of the props.
const Impl = (globalThis[`__lightningPlanCard${VERSION}`] ||= PlanCard);

export default <Impl p={props} api={{ callAction }} />;
