/** Where the API is: config.json, written beside these files when the shop is published. */

export class ConfigProblem extends Error {}

/** Reads the API's base URL (no trailing slash). Raises ConfigProblem where there is none. */
export async function readApiUrl() {
  const config = await readConfig();
  if (!/^https?:\/\/./.test(config?.apiUrl)) {
    throw new ConfigProblem('config.json has no "apiUrl" that starts with http:// or https://.');
  }
  return config.apiUrl.replace(/\/+$/, "");
}

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
