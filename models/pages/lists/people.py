"""Names of people and places, our own choice. ASCII only. Order is part of the recipe."""
from __future__ import annotations

FEMALE_NAMES: tuple[str, ...] = tuple("""
Maria Anna Elena Fatima Grace Helen Ingrid Julia Karen Laura Nadia Olivia Priya Rosa Sofia Yuki Aisha Alice Amara
Amelia Andrea Anika Ayesha Beatriz Bianca Birgit Brigitte Camila Carmen Caroline Catherine Cecilia Chiara Chloe Clara
Claudia Daniela Daria Deborah Diana Dolores Dorothy Edith Eleanor Elif Elisabeth Emily Emma Esther Eva Farah Fiona
Florence Francesca Freya Gabriela Gloria Greta Hana Hannah Harriet Heidi Hiroko Ines Irene Isabel Ivana Jacqueline Jana
Jasmine Joanna Johanna Josephine Judith Katarina Kavita Keiko Kristin Lakshmi Layla Leila Leonor Lin Linda Louise Lucia
Magdalena Malin Margaret Marta Martina Matilda Meera Mei Mercedes Milena Miriam Mona Monika Naomi Natalia Nina Noor
Nora Paula Petra Rachel Rania Rebecca Renata Ruth Sabine Samira Sandra Sara Shreya Silvia Simone Sunita Susan Svetlana
Tamara Teresa Ursula Valentina Vera Veronica Victoria Wanjiru Ximena Yasmin Yvonne Zainab Zofia
""".split())

MALE_NAMES: tuple[str, ...] = tuple("""
Adam Boris Carlos David Emil Felix George Hugo Ivan James Kenji Louis Omar Peter Tomas Victor Abdul Adrian Ahmed Albert
Alejandro Alexander Ali Amir Andreas Anton Antonio Arjun Arthur Benjamin Bernard Bjorn Brian Bruno Chen Christian
Christopher Claude Cyril Daniel Dario Dieter Dimitri Dmitri Edward Eduardo Elias Enrique Eric Ernest Esteban Fabian
Farid Fernando Francis Frank Franz Gabriel Gerard Giovanni Gregor Gustav Hamza Hans Harald Hassan Henry Hiroshi Ibrahim
Igor Isaac Jack Jacob Jamal Jan Javier Jean Jens Joel John Jorge Joseph Juan Julian Kamal Karl Kevin Kofi Kwame Lars
Laszlo Leon Liam Luca Lukas Manuel Marco Mario Mark Martin Mateo Matthew Max Michael Miguel Mikhail Mohamed Nathan
Nikolai Noah Oliver Oscar Otto Pablo Patrick Paul Pavel Philip Pierre Rafael Rahul Rajesh Ralph Ravi Richard Robert
Roman Samuel Sanjay Sebastian Sergei Simon Stefan Sven Takeshi Theo Thomas Tobias Vikram Walter Wei William Xavier
Yusuf Zoltan
""".split())

LAST_NAMES: tuple[str, ...] = tuple("""
Lopez Smith Novak Weber Rossi Khan Tanaka Okafor Silva Brown Dubois Hansen Ivanov Jensen Kowalski Lindgren Moreau Nguyen
Patel Quinn Ramirez Santos Taylor Ueda Vargas Walker Yilmaz Zhang Fischer Garcia Murphy Bennett Abe Abebe Acosta Adeyemi
Aguilar Ahmad Allen Almeida Alvarez Andersen Anderson Aoki Araujo Arslan Asante Bailey Baker Balogun Banerjee Barbosa
Barnes Bauer Becker Bell Berg Bernard Bianchi Blanc Boateng Bondarenko Bose Bradley Brooks Bruno Burke Burns Butler
Campbell Cardoso Carlsson Carter Castillo Castro Chan Chandra Chen Chopra Clark Clarke Cohen Coleman Collins Conti Cooper
Costa Cox Cruz Dang Davies Davis Delgado Demir Desai Diaz Diallo Diaz Dietrich Doyle Duarte Duncan Dvorak Edwards
Eriksson Espinoza Esposito Evans Farkas Fernandez Ferrari Ferreira Fletcher Flores Foster Fraser Fuentes Fujita Gallagher
Gallo Ghosh Gibson Gomez Gonzalez Gordon Graham Gray Greco Green Griffin Grigorescu Gruber Guerrero Gupta Gustafsson
Haas Hall Hamilton Harris Hartmann Hashimoto Hassan Hayashi Hernandez Herrera Hoang Hoffmann Holm Horvat Horvath Hughes
Hussein Ibarra Inoue Iyer Jackson Jansen Johansson Johnson Jones Joshi Juarez Kang Kaplan Kapoor Karlsson Kaur Kelly
Kennedy Kim Kimura King Klein Koch Kobayashi Kovac Kozlov Kraus Kruger Kumar Larsen Laurent Lee Lehmann Leroy Levy Lewis
Liu Lombardi Lund Lynch Macdonald Madsen Magnusson Mahmoud Malik Mancini Marino Marshall Martins Mbeki Medina Mehta
Meijer Mendes Mensah Meyer Miller Mitchell Molina Monteiro Morales Moretti Morris Mueller Mwangi Nagy Nair Nakamura
Navarro Nelson Nielsen Nikolaidis Nkosi Nowak Obi Ochieng Oconnor Ogawa Okoye Oliveira Olsen Omondi Ortega Ortiz Owusu
Pacheco Papadakis Park Parker Pereira Perez Petersen Petrov Pham Phillips Pinto Popescu Powell Price Rahman Rao Reddy
Reyes Ricci Richter Rivera Roberts Robinson Rojas Romano Russo Saito Salazar Sanchez Sato Schmidt Schneider Sharma Shaw
Singh Soares Sokolov Suarez Suzuki Takahashi Thompson Torres Tran Turner Vasquez Vega Wagner Wang Watanabe Watson White
Wilson Wong Wright Yamamoto Young Zimmermann O'Brien O'Neill D'Souza
""".split())
LAST_NAMES = tuple(dict.fromkeys(LAST_NAMES))

CLINICS: tuple[str, ...] = (
    "Riverside Clinic", "Hillside Medical Center", "Lakeview Family Practice", "Harbor Health Clinic",
    "Green Valley Clinic", "St. Brendan Hospital", "Oak Street Practice", "Northgate Medical", "Central Polyclinic",
    "Maple Grove Surgery", "Sunrise Health Centre", "Old Town Practice", "Bayside General Hospital", "Cedar House Clinic",
    "City Outpatient Centre", "Mercy Community Hospital", "Westfield Medical Group", "Pine Ridge Clinic",
    "University Day Clinic", "Castle Road Surgery", "Lighthouse Family Health", "Southbank Medical Centre",
)
LABORATORIES: tuple[str, ...] = (
    "Central Laboratory", "Riverside Diagnostics", "Clearwater Lab Services", "Department of Pathology", "MedLab North",
    "City Clinical Laboratory", "Biochemistry Unit", "Harbor Diagnostics", "Reference Laboratory", "Quick Lab Partners",
)
STREETS: tuple[str, ...] = (
    "Mill Road", "Station Street", "Garden Lane", "Park Avenue", "Bridge Street", "Market Square", "Church Hill",
    "Orchard Way", "Quay Street", "Linden Avenue", "School Lane", "Victoria Place", "Canal Side", "High Street",
)
TOWNS: tuple[str, ...] = (
    "Ashford", "Milltown", "Kingsbridge", "Port Haven", "Elmsworth", "Newbury Falls", "Stonebrook", "Fairhaven", "Lakeside",
)
