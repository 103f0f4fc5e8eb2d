import { useEffect, useState } from "preact/hooks";
import { IconButton } from "../parts/Icon";
import type { PlotController } from "./controller";
import { Shown } from "./Shown";

/** The whole widget in full screen; null where the page may not (a frame without permission). */
function useFullScreen(element: { current: HTMLElement | null }): { on: boolean; toggle(): void } | null {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const root = element.current?.getRootNode();
    const changed = () => setOn((root as ShadowRoot | undefined)?.fullscreenElement != null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, [element]);
  if (!document.fullscreenEnabled) return null;
  const toggle = () => {
    const asked = on ? document.exitFullscreen() : element.current?.closest<HTMLElement>(".cw")?.requestFullscreen();
    // Refused by the host: the widget stays as it is, which people see.
    asked?.catch(() => setOn(false));
  };
  return { on, toggle };
}

interface Props {
  controller: PlotController;
  plot: { current: HTMLElement | null };
  compact: boolean;
}

export function Tools({ controller, plot, compact }: Props) {
  const full = useFullScreen(plot);
  const tool = controller.tool.value;
  const labels = controller.labels.value;
  const set = (next: "pan" | "lasso") => () => {
    controller.tool.value = next;
  };
  return (
    <>
      <div class="tools left">
        <IconButton icon="hand" label="Pan (drag)" pressed={tool === "pan"} onClick={set("pan")} />
        <IconButton
          icon="lasso"
          label="Lasso (Shift-drag; Alt takes away)"
          pressed={tool === "lasso"}
          onClick={set("lasso")}
        />
      </div>
      <div class="tools right">
        <Shown />
        <IconButton icon="tag" label="Labels" pressed={labels} onClick={() => controller.showLabels(!labels)} />
        <IconButton icon="fit" label="Fit (double-click)" onClick={() => controller.fit()} />
        {full && !compact && (
          <IconButton
            icon={full.on ? "unfull" : "full"}
            label={full.on ? "Leave full screen" : "Full screen"}
            onClick={full.toggle}
          />
        )}
      </div>
    </>
  );
}
