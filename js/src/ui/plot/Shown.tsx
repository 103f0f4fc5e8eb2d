import { useStore } from "../context";
import { Segments } from "../parts/Segments";

const SEGMENTS = [
  { id: "both", label: "Both", hint: "Your cells over the training cells" },
  {
    id: "reference",
    label: "Training",
    hint: "Only the cells that the model was trained on, in the colours of their labels",
  },
  { id: "query", label: "Yours", hint: "Only your cells" },
] as const;

/** Chooses which cells the plot shows, where the model knows its training cells' map. */
export function Shown() {
  const { schema, show } = useStore();
  if ((schema.value?.layout.reference ?? 0) === 0) return null;
  return (
    <Segments
      label="Cells shown"
      segments={SEGMENTS}
      current={show.value}
      onSelect={(id) => {
        show.value = id;
      }}
    />
  );
}
