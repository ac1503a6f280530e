// A page of a chatbot: it hands what the user said to the product's own server, and shows how that stands.
//
// `/chat` stands for your Edge Function: it adds the session and the user, sends the event to Throughline with its key or
// its signature, and answers with `event` and `token`. `/known` asks for what this person has told already.
"use strict";

const form = document.querySelector("#form");
const talk = document.querySelector("#talk");
const status = document.querySelector("throughline-status");

function say(who, text) {
  const line = document.createElement("p");
  line.className = who;
  line.textContent = text;
  talk.append(line);
}

// What was said before need not be typed again.
async function prefill() {
  const answer = await fetch("known");
  if (!answer.ok) return;
  const { known } = await answer.json();
  for (const name of ["name", "email"]) if (known[name]) form.elements[name].value = known[name];
}

form.addEventListener("submit", async (submission) => {
  submission.preventDefault();
  const { name, email, message, consent } = form.elements;
  say("user", message.value || email.value);
  const answer = await fetch("chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id: crypto.randomUUID(),
      type: "lead_captured",
      data: { name: name.value, email: email.value, message: message.value, consent: consent.checked },
    }),
  });
  if (!answer.ok) return say("bot", "That did not work; please send it again.");
  const receipt = await answer.json();
  status.setAttribute("event", receipt.event);
  status.setAttribute("token", receipt.token);
  message.value = "";
});

prefill();
