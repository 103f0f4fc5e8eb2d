/** What JupyterLab and VS Code set on their pages: their values, for looking at the widget without them. */
const JUPYTER = {
  "--jp-ui-font-family": "system-ui, -apple-system, 'Segoe UI', helvetica, arial, sans-serif",
  "--jp-code-font-family": "menlo, consolas, 'DejaVu Sans Mono', monospace",
};

const LIGHT = {
  ...JUPYTER,
  "--jp-layout-color0": "#fff",
  "--jp-layout-color1": "#fff",
  "--jp-border-color1": "#bdbdbd",
  "--jp-ui-font-color1": "rgba(0, 0, 0, 0.87)",
  "--jp-brand-color1": "#1976d2",
  "--jp-error-color1": "#d32f2f",
};

const DARK = {
  ...JUPYTER,
  "--jp-layout-color0": "#111",
  "--jp-layout-color1": "#212121",
  "--jp-border-color1": "#616161",
  "--jp-ui-font-color1": "rgba(255, 255, 255, 0.87)",
  "--jp-brand-color1": "#42a5f5",
  "--jp-error-color1": "#ef5350",
};

/** With the light `--jp-*` that VS Code's widget manager brings along. */
const VSCODE_DARK = {
  ...LIGHT,
  "--vscode-font-family": "system-ui, 'Segoe WPC', 'Segoe UI', Ubuntu, sans-serif",
  "--vscode-editor-font-family": "menlo, consolas, 'DejaVu Sans Mono', monospace",
  "--vscode-editor-background": "#1f1f1f",
  "--vscode-foreground": "#ccc",
  "--vscode-editorWidget-background": "#202020",
  "--vscode-focusBorder": "#0078d4",
  "--vscode-textLink-foreground": "#4daafc",
  "--vscode-button-background": "#0078d4",
  "--vscode-button-foreground": "#fff",
  "--vscode-input-background": "#313131",
  "--vscode-input-border": "#3c3c3c",
  "--vscode-errorForeground": "#f85149",
};

type Variables = Readonly<Record<string, string>>;

const HOSTS: Readonly<Record<string, Variables>> = { light: LIGHT, dark: DARK, "vscode-dark": VSCODE_DARK, plain: {} };

export function dressPage(theme: string): void {
  const variables: Variables = HOSTS[theme] ?? LIGHT;
  for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(name, value);
  const ground = variables["--vscode-editor-background"] ?? variables["--jp-layout-color0"] ?? "";
  document.body.style.background = ground;
}
