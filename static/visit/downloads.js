/* What is no page is saved as a file, under the name the server gives it. */

const KEPT_MS = 60000;

function nameOf(answer) {
  const said = answer.headers.get("Content-Disposition") || "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(said);
  if (encoded) return decodeURIComponent(encoded[1]);
  const plain = /filename="?([^";]+)"?/i.exec(said);
  return plain ? plain[1] : new URL(answer.url).pathname.split("/").pop() || "file";
}

export async function save(answer) {
  const name = nameOf(answer);
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  return name;
}
