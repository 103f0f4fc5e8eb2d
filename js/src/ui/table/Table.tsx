import { useStore } from "../context";
import { Grid } from "./Grid";
import { TableBar } from "./TableBar";

const WIDTHS = [172, 140, 88, 132, 96, 104, 96, 112];

function Skeleton() {
  return (
    <div class="scroll" style={{ overflow: "hidden" }}>
      {Array.from({ length: 8 }, (_, row) => (
        <div
          key={row}
          style={{ display: "flex", height: "24px", paddingLeft: "32px", borderBottom: "1px solid var(--line2)" }}
        >
          {WIDTHS.map((width, column) => (
            <span key={column} style={{ width: `${width}px`, flex: "none", padding: "8px" }}>
              <span class="sk" style={{ width: `${45 + ((row * 37 + column * 53) % 36)}%` }} />
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}

export function Table({ narrow = false }: { narrow?: boolean }) {
  const { schema } = useStore();
  return (
    <div class="tb">
      <TableBar narrow={narrow} />
      {schema.value ? <Grid compact={narrow} /> : <Skeleton />}
    </div>
  );
}
