// The page at "/": GraphiQL, and above it a bar with the role (or token) and the example queries.
// What the server says about itself comes from graphiql/config.json; its shape is described in README.md.
import "graphiql/style.css";
import "./app.css";
import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from "@graphiql/plugin-doc-explorer";
import { HISTORY_PLUGIN, HistoryStore } from "@graphiql/plugin-history";
import { DropdownMenu, GraphiQLProvider, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQLInterface } from "graphiql";
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

// The build puts the hashed file names in place of WORKERS.
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url)),
};

const PLUGINS = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const FIRST_VISIT = localStorage.getItem("graphiql:tabState") === null;

/** Remembers a choice until the browser tab is closed; never longer, because it may be a token. */
function useSessionValue(key, fallback) {
  const [value, setValue] = useState(() => sessionStorage.getItem(key) ?? fallback);
  const store = (next) => {
    sessionStorage.setItem(key, next);
    setValue(next);
  };
  return [value, store];
}

/** A fetcher that sends requests with this token. A header typed into GraphiQL's own header editor wins over it. */
function fetcherFor(token) {
  return async (request, options) => {
    const headers = new Headers({
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json",
    });
    if (token) headers.set("authorization", `Bearer ${token}`);
    for (const [name, value] of Object.entries(options?.headers ?? {})) headers.set(name, value);
    const response = await fetch("graphql", { method: "POST", headers, body: JSON.stringify(request) });
    const body = await response.text();
    try {
      return JSON.parse(body);
    } catch {
      throw new Error(`The server answered ${response.status} ${response.statusText} without JSON.`);
    }
  };
}

const variablesText = (example) => (example.variables ? JSON.stringify(example.variables, null, 2) : "");

function Page({ config }) {
  const { roles, examples } = config;
  const [roleName, setRoleName] = useSessionValue("xrm.role", roles[0]?.name);
  const [pasted, setPasted] = useSessionValue("xrm.token", "");
  const role = roles.find(({ name }) => name === roleName) ?? roles[0];
  const token = role ? role.token : pasted;

  // A new fetcher makes GraphiQL forget the schema and ask for it again; the tabs stay.
  const fetcher = useMemo(() => fetcherFor(token), [token]);
  // With no tabs from an earlier visit, begin with an example that this role may run.
  const first = FIRST_VISIT && examples.find((example) => !example.role || example.role === role?.name);

  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      shouldPersistHeaders={false}
      inputValueDeprecation
      schemaDescription
      defaultQuery=""
      {...(first && { initialQuery: first.query, initialVariables: variablesText(first) })}
    >
      <HistoryStore>
        <DocExplorerStore>
          <header className="bar">
            <h1>xRM</h1>
            {role ? (
              <RoleSelect roles={roles} role={role} onChange={setRoleName} />
            ) : (
              <TokenField isSet={Boolean(pasted)} onChange={setPasted} />
            )}
            {examples.length > 0 && <Examples examples={examples} roles={roles} onRole={setRoleName} />}
            <SchemaStatus token={token} />
            <ForgetResponses key={token} />
          </header>
          <GraphiQLInterface defaultEditorToolsVisibility="variables" />
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}

function RoleSelect({ roles, role, onChange }) {
  return (
    <label>
      Role
      <select id="role" value={role.name} onChange={(event) => onChange(event.target.value)}>
        {roles.map(({ name, label }) => (
          <option key={name} value={name}>
            {label ?? name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The pasted token is never shown again; sending the empty field forgets it. */
function TokenField({ isSet, onChange }) {
  const submit = (event) => {
    event.preventDefault();
    const field = event.target.elements.token;
    onChange(field.value.trim());
    field.value = "";
  };
  return (
    <form onSubmit={submit}>
      <label>
        Token
        <input
          name="token"
          type="password"
          autoComplete="off"
          spellCheck="false"
          placeholder={isSet ? "In use. Paste another, or empty to forget" : "Paste an access token"}
        />
      </label>
      <button type="submit">Use</button>
    </form>
  );
}

function Examples({ examples, roles, onRole }) {
  const { addTab, setOperationName } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
  }));
  const labels = Object.fromEntries(roles.map(({ name, label }) => [name, label ?? name]));
  const themes = Object.entries(Object.groupBy(examples, ({ theme }) => theme ?? ""));

  const open = (example) => {
    addTab();
    queryEditor.setValue(example.query);
    variableEditor.setValue(variablesText(example));
    setOperationName(null); // else the former tab's would be sent until GraphiQL has read the new query
    if (labels[example.role]) onRole(example.role);
  };

  return (
    <DropdownMenu>
      <DropdownMenu.Button disabled={!queryEditor || !variableEditor}>Examples ▾</DropdownMenu.Button>
      <DropdownMenu.Content className="examples">
        {themes.map(([theme, group]) => (
          <div key={theme} role="group" aria-label={theme || undefined}>
            {theme && <div className="theme">{theme}</div>}
            {group.map((example) => (
              <DropdownMenu.Item key={example.title} onSelect={() => open(example)}>
                {example.title}
                {labels[example.role] && <span className="for-role">{labels[example.role]}</span>}
              </DropdownMenu.Item>
            ))}
          </div>
        ))}
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}

/** Says whether there is a schema for this role or token, and if not, what the server answered. */
function SchemaStatus({ token }) {
  const { schema, fetchError } = useGraphiQL(({ schema, fetchError }) => ({ schema, fetchError }));
  if (fetchError) {
    return (
      <span className="status failed" role="status" title={fetchError}>
        {token ? "No schema for this token" : "No schema: a token is needed"}
      </span>
    );
  }
  return (
    <span className="status" role="status">
      {schema ? "Schema loaded" : "Loading schema …"}
    </span>
  );
}

/** When the token changes (its key): what another role was answered goes from all tabs, their queries stay. */
function ForgetResponses() {
  const { updateActiveTabValues } = useGraphiQLActions();
  const { tabs, responseEditor } = useGraphiQL(({ tabs, responseEditor }) => ({ tabs, responseEditor }));
  useEffect(() => {
    for (const tab of tabs) tab.response = null; // GraphiQL offers an action for the active tab only
    responseEditor?.setValue("");
    updateActiveTabValues({ response: null });
  }, []);
  return null;
}

async function start() {
  const response = await fetch("graphiql/config.json");
  if (!response.ok) throw new Error(`graphiql/config.json answered ${response.status}`);
  return response.json();
}

const root = createRoot(document.getElementById("root"));
start().then(
  (config) => root.render(<Page config={{ roles: [], examples: [], ...config }} />),
  (error) => root.render(<p className="notice">The page could not be set up: {error.message}. Is the server running?</p>),
);
