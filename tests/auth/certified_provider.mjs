// An OpenID provider for test_certified_provider.py: node-oidc-provider on a free port of this machine.
// node certified_provider.mjs FOLDER URL: the folder has node_modules, the URL is where the platform answers.
// It prints a line of JSON for each of: its address, each logout token that it sends, what became of it.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, platform] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(join(folder, "node_modules/oidc-provider/lib/index.js")));
const say = (line) => console.log(JSON.stringify(line));
const groups = { ada: ["/sales"], bob: ["/visitors"] };

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "crm",
      client_secret: "a secret",
      redirect_uris: [`${platform}/auth/oidc/company/callback`],
      post_logout_redirect_uris: [`${platform}/auth/oidc/company/signed-out`],
      backchannel_logout_uri: `${platform}/auth/oidc/company/backchannel-logout`,
      backchannel_logout_session_required: true,
    }],
    features: { backchannelLogout: { enabled: true } },
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
    scopes: ["openid", "email", "groups"],
    conformIdTokenClaims: false, // claims stand in the ID token, as with Keycloak and Entra ID
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, groups: groups[id] ?? [] }),
    }),
    jwks: { keys: [generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })] },
    cookies: { keys: ["a key of the tests"] },
    fetch: (url, options) => {
      delete options.dispatcher; // which refuses addresses of this machine
      say({ token: options.body.get("logout_token") });
      return globalThis.fetch(url, options);
    },
  });
  provider.on("backchannel.success", () => say({ told: true }));
  provider.on("backchannel.error", (_, error) => say({ told: false, why: String(error) }));
  server.on("request", provider.callback());
  say({ issuer });
});
