/** The widget's one style sheet, in the order in which its parts build on each other. */
import frame from "./frame.css";
import inspect from "./inspect.css";
import legend from "./legend.css";
import pieces from "./pieces.css";
import plot from "./plot.css";
import run from "./run.css";
import table from "./table.css";
import threshold from "./threshold.css";
import tokens from "./tokens.css";
import truth from "./truth.css";
import why from "./why.css";
import widths from "./widths.css";

export const css = [tokens, pieces, run, frame, plot, legend, threshold, inspect, truth, why, table, widths].join("\n");
