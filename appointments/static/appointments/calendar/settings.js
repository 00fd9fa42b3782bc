// What the page was told when it was made.

export const settings = JSON.parse(document.getElementById("calendar-settings").textContent);

export const serviceOf = (id) => settings.services.find((one) => one.id === id);
