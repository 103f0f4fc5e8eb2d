import type { Command } from "../protocol";
import { useStore } from "./context";
import { Engine } from "./EngineMenu";
import { count } from "./format";
import { Icon, IconButton, type IconName } from "./parts/Icon";
import { type Phase, phaseOf, type RunWords, runWords, STATE_WORDS, stateWord } from "./words";

interface Control {
  icon: IconName;
  label: string;
  command: Command;
}

function mainControl(phase: Phase): Control {
  if (phase === "running" || phase === "waiting" || phase === "fetching")
    return { icon: "pause", label: "Pause", command: "pause" };
  if (phase === "paused" || phase === "stopped" || phase === "failed")
    return { icon: "play", label: "Resume", command: "resume" };
  if (phase === "done") return { icon: "play", label: "Run again", command: "run" };
  return { icon: "play", label: "Run", command: "run" };
}

function Controls({ phase }: { phase: Phase }) {
  const { session } = useStore();
  if (!session.can.run) return null;
  const main = mainControl(phase);
  const busy = phase === "running" || phase === "paused" || phase === "waiting" || phase === "fetching";
  return (
    <>
      <span class="sep" />
      <span class="ctl">
        <IconButton
          icon={main.icon}
          label={main.label}
          disabled={phase === "loading" || phase === "lost"}
          onClick={() => session.command(main.command)}
        />
        <IconButton icon="stop" label="Stop" disabled={!busy} onClick={() => session.command("stop")} />
      </span>
    </>
  );
}

function Fill({ progress }: { progress: number | null }) {
  return progress === null ? null : <i style={{ transform: `scaleX(${progress})` }} />;
}

function Genes({ words }: { words: string }) {
  return (
    <span class="f2 ell genes" title={`${words} matched`}>
      {words}
      <span class="matched"> matched</span>
    </span>
  );
}

function Progress({ words, phase }: { words: RunWords; phase: Phase }) {
  const { progress, bar, genes } = words;
  if (progress === null) return genes && <Genes words={genes} />;
  return (
    <div
      class="bar"
      data-phase={phase}
      role="progressbar"
      aria-label={bar.label}
      aria-valuemin={0}
      aria-valuenow={bar.now}
      aria-valuemax={bar.of}
    >
      <Fill progress={progress} />
    </div>
  );
}

/** How many, as wide as it will ever be, so that nothing beside it moves. */
function Done({ words, total, tiny }: { words: RunWords; total: number; tiny: boolean }) {
  const { strong, rest } = words.done;
  if (tiny && words.progress !== null && rest.startsWith("of"))
    return (
      <span style={{ minWidth: "4ch" }}>
        <b>{Math.floor(100 * words.progress)}%</b>
      </span>
    );
  const widest = Math.max(2 * count(total).length + 4, "99.9 of 99.9 MB".length);
  return (
    <span style={{ minWidth: tiny ? undefined : `${widest}ch` }}>
      <b>{strong}</b> {tiny && rest.startsWith("of") ? "cells" : rest}
    </span>
  );
}

export function RunBar({ tiny }: { tiny: boolean }) {
  const { schema, run, connection, download } = useStore();
  const model = schema.value?.model;
  const state = run.value;
  const phase = phaseOf(state, connection.value, download.value);
  const words = runWords(state, schema.value, phase, download.value);
  const { icon } = STATE_WORDS[phase];
  const word = stateWord(state, phase);
  return (
    <div class="run">
      <span
        class="model"
        title={
          model ? [model.title, model.version && `version ${model.version}`].filter(Boolean).join(", ") : undefined
        }
      >
        <Icon name="model" />
        {model ? (
          <span class="ell">
            <span class="b">{model.title}</span> <span class="f2 family">{model.family}</span>
          </span>
        ) : (
          <span class="sk" style={{ width: "120px" }} />
        )}
      </span>
      <Controls phase={phase} />
      <span class="st" data-phase={phase} title={state?.phase || word}>
        <Icon name={icon} />
        <span>{word}</span>
      </span>
      <span class="prog">
        <Progress words={words} phase={phase} />
      </span>
      {state && (
        <span class="words">
          <Done words={words} total={state.total} tiny={tiny} />
          <span class="speed">{words.speed}</span>
          <span class="time">{words.time}</span>
        </span>
      )}
      <Engine />
      <span class="edge bar" data-phase={phase}>
        {phase !== "ready" && <Fill progress={words.progress} />}
      </span>
    </div>
  );
}
