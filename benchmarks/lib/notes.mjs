// Notes of patients that nobody is: each is put together from other findings, drugs and plans.
const people = [
  ["Ms. Aldine Brook", 67, "female", "shortness of breath on exertion", "heart failure with reduced ejection fraction"],
  ["Mr. Teodor Falk", 54, "male", "burning pain in the upper abdomen after meals", "gastro-oesophageal reflux disease"],
  ["Ms. Irena Castell", 39, "female", "throbbing headache on the left side with nausea", "migraine without aura"],
  ["Mr. Orson Vale", 72, "male", "increased thirst and blurred vision", "type 2 diabetes mellitus"],
  ["Ms. Petra Lindqvist", 28, "female", "wheezing at night and after running", "moderate persistent asthma"],
  ["Mr. Hakim Osei", 61, "male", "calf pain after walking two hundred metres", "peripheral arterial disease"],
  ["Ms. Yolanda Pires", 45, "female", "fatigue, weight gain and cold intolerance", "primary hypothyroidism"],
  ["Mr. Emil Sandoz", 80, "male", "irregular heartbeat and dizziness", "atrial fibrillation"],
  ["Ms. Noor Habib", 33, "female", "joint stiffness in both hands every morning", "rheumatoid arthritis"],
  ["Mr. Lucian Grey", 50, "male", "sudden pain in the first toe at night", "acute gouty arthritis"],
  ["Ms. Carla Monti", 58, "female", "productive cough and fever for four days", "community-acquired pneumonia"],
  ["Mr. Viktor Renn", 47, "male", "lower back pain radiating to the right leg", "lumbar radiculopathy"],
];
const drugs = [
  ["bisoprolol 2.5 mg once daily", "furosemide 40 mg in the morning"],
  ["omeprazole 20 mg before breakfast", "an antacid as needed after meals"],
  ["sumatriptan 50 mg at the onset of pain", "metoclopramide 10 mg for nausea"],
  ["metformin 500 mg twice daily with meals", "atorvastatin 20 mg at night"],
  ["budesonide 200 micrograms inhaled twice daily", "salbutamol 100 micrograms as needed"],
  ["clopidogrel 75 mg once daily", "atorvastatin 40 mg at night"],
  ["levothyroxine 75 micrograms on an empty stomach", "vitamin D 800 units daily"],
  ["apixaban 5 mg twice daily", "metoprolol 50 mg twice daily"],
  ["methotrexate 15 mg once a week", "folic acid 5 mg on the following day"],
  ["colchicine 0.5 mg three times daily", "naproxen 500 mg twice daily with food"],
  ["amoxicillin 1 g three times daily for seven days", "paracetamol 1 g up to four times daily"],
  ["ibuprofen 400 mg three times daily with food", "gabapentin 300 mg at night"],
];

/** One for each of a dozen people. @returns {string[]} */
export function notes() {
  return people.map(([name, age, sex, complaint, diagnosis], i) => {
    const [first, second] = drugs[i];
    return [
      `Patient: ${name}, ${age} years old, ${sex}.`,
      `The patient presents with ${complaint}, which began ${2 + (i % 5)} weeks ago and has become worse since.`,
      `There is no known allergy. Blood pressure is ${118 + 4 * i}/${70 + i} mmHg, heart rate ${64 + 3 * i} beats per minute,`,
      `temperature ${(36.4 + (i % 4) / 5).toFixed(1)} degrees, oxygen saturation ${94 + (i % 5)} percent on room air.`,
      `Laboratory results: haemoglobin ${(11.5 + i / 5).toFixed(1)} g/dL, creatinine ${(0.8 + i / 20).toFixed(2)} mg/dL, sodium ${134 + i} mmol/L.`,
      `Assessment: ${diagnosis}.`,
      `Plan: start ${first} and ${second}. The patient was told about side effects and when to return.`,
      `A follow-up visit is planned in ${1 + (i % 6)} weeks with repeat laboratory tests before the appointment.`,
    ].join(" ");
  });
}
