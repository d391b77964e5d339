/** Where the shop's APIs are: config.json, written beside these files when it is published. */

export class ConfigProblem extends Error {}

/**
 * Reads the base URLs (no trailing slash) of the HTTP API and the WebSocket API. Raises ConfigProblem
 * where there is none of the first; without the second, there are no live updates.
 */
export async function readUrls() {
  const { apiUrl, websocketUrl } = (await readConfig()) ?? {};
  if (!/^https?:\/\/./.test(apiUrl)) {
    throw new ConfigProblem('config.json has no "apiUrl" that starts with http:// or https://.');
  }
  const isLive = /^wss?:\/\/./.test(websocketUrl);
  return { apiUrl: trimmed(apiUrl), websocketUrl: isLive ? trimmed(websocketUrl) : null };
}

const trimmed = (url) => url.replace(/\/+$/, "");

async function readConfig() {
  let response;
  try {
    response = await fetch("config.json", { cache: "no-store" });
  } catch {
    throw new ConfigProblem("config.json could not be fetched.");
  }
  if (!response.ok) throw new ConfigProblem(`config.json answered ${response.status}.`);
  try {
    return await response.json();
  } catch {
    throw new ConfigProblem("config.json is not valid JSON.");
  }
}
